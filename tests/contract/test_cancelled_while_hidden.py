"""A message that is cancelled while its notification is hidden holds up no other of its session, on every engine."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.messages.message_service import MessageService
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.agent_port import Draft
from backend.app.settings import AppSettings
from backend.app.wiring import build_services
from tests.contract.builders import (
    LEASE,
    QUEUE_LIMIT,
    cancel,
    claimed_turn,
    draft_message,
    queued_message,
    stored_session,
    try_claim,
)
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import receive_all
from tests.contract.rescue_drivers import HIDDEN_SECONDS, fail_to_start, rescued, shop_of, work
from tests.domain.scripted_agents import TurnFixture
from tests.manual_time import ManualClock

USER = "local"
BUSY = TurnError("model_unavailable", "429", retryable=True, retry_after=100_000)
LONGEST_RETRY_SECONDS = 300


def messages_of(engine: TestedEngine) -> MessageService:
    return build_services(AppSettings(), engine).messages


async def send(engine: TestedEngine, session: Session, prompt: str) -> Message:
    return await messages_of(engine).send_message(USER, session.session_id, prompt, wait_seconds=0)


async def cancelled_in_its_retry(engine: TestedEngine, shop: TurnFixture, message: Message) -> None:
    assert [bell.message_id for bell in await work(engine, shop)] == [message.message_id]
    ended = await messages_of(engine).cancel_message(USER, message.message_id)
    assert (ended.status, ended.attempt) == (MessageStatus.CANCELLED, 2)


async def test_the_message_behind_one_that_is_cancelled_in_its_retry_begins_at_once(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, BUSY, Draft("Two.", None))
    first, second = [await send(engine, shop.session, prompt) for prompt in ("One", "Two")]
    await cancelled_in_its_retry(engine, shop, first)
    await work(engine, shop)
    assert (await shop.find(second)).content == "Two."
    clock.advance(LONGEST_RETRY_SECONDS)
    # What was hidden comes back, to nothing.
    assert [bell.message_id for bell in await work(engine, shop)] == [first.message_id, second.message_id]
    assert (await shop.find(first)).status is MessageStatus.CANCELLED
    assert len(shop.agents.briefs) == 2


async def test_messages_that_are_sent_after_one_was_cancelled_in_its_retry_begin_at_once(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, BUSY, *(Draft(f"Answer {number}", None) for number in range(3)))
    await cancelled_in_its_retry(engine, shop, await send(engine, shop.session, "One"))
    for number in range(3):
        message = await send(engine, shop.session, f"Question {number}")
        await work(engine, shop)
        assert (await shop.find(message)).content == f"Answer {number}"
        clock.advance(60)


async def test_a_message_that_no_function_could_start_holds_up_nothing_once_it_is_cancelled(
    engine: TestedEngine, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Two.", None), Draft("Three.", None))
    first, second = [await send(engine, shop.session, prompt) for prompt in ("One", "Two")]
    assert [bell.message_id for bell in await fail_to_start(engine)] == [first.message_id]
    await messages_of(engine).cancel_message(USER, first.message_id)
    await work(engine, shop)
    third = await send(engine, shop.session, "Three")
    await work(engine, shop)
    assert [(await shop.find(one)).content for one in (second, third)] == ["Two.", "Three."]


async def test_cancelling_again_notifies_again_until_a_worker_has_the_next_message(
    engine: TestedEngine, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path)
    first, second = [await shop.queue() for _ in range(2)]
    for _ in range(2):
        await messages_of(engine).cancel_message(USER, first.message_id)
        assert await rescued(engine) == [second.message_id]
    await try_claim(engine, second.message_id)
    await messages_of(engine).cancel_message(USER, first.message_id)
    assert await rescued(engine) == []


async def test_eight_cancels_at_the_same_time_begin_the_next_message_once(engine: TestedEngine, tmp_path: Path) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Two.", None))
    first, second = [await shop.queue() for _ in range(2)]
    await asyncio.gather(*(messages_of(engine).cancel_message(USER, first.message_id) for _ in range(8)))
    await work(engine, shop)
    found = await shop.find(second)
    assert (found.content, found.attempt, len(shop.agents.briefs)) == ("Two.", 1, 1)


async def test_cancelling_a_message_behind_others_begins_none_of_them_sooner(
    engine: TestedEngine, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, BUSY)
    first, second, third = [await send(engine, shop.session, prompt) for prompt in ("One", "Two", "Three")]
    await work(engine, shop)
    await messages_of(engine).cancel_message(USER, third.message_id)
    assert await rescued(engine) == []
    assert (await shop.find(first)).attempt == 1
    assert (await shop.find(second)).status is MessageStatus.QUEUED


async def test_a_message_that_is_deleted_with_its_session_in_its_retry_is_acknowledged_when_it_comes_back(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, BUSY, Draft("Anew.", None))
    message = await send(engine, shop.session, "One")
    await work(engine, shop)
    sessions = build_services(AppSettings(), engine).sessions
    await sessions.delete_session(USER, shop.session.session_id)
    anew, is_new = await sessions.start_session(USER, shop.project.project_id, None)
    assert is_new
    following = await send(engine, anew, "Two")
    assert [bell.message_id for bell in await work(engine, shop)] == [following.message_id]
    clock.advance(LONGEST_RETRY_SECONDS)
    assert [bell.message_id for bell in await work(engine, shop)] == [message.message_id]
    assert await receive_all(engine, HIDDEN_SECONDS) == []


@pytest.mark.parametrize("late", [False, True], ids=["under-the-lease", "after-the-release"])
async def test_a_cancel_while_the_retry_is_being_arranged_does_not_wait_for_it(
    engine: TestedEngine, tmp_path: Path, late: bool
) -> None:
    shop = await shop_of(engine, tmp_path, BUSY)
    message = await send(engine, shop.session, "One")
    release = shop.service._engine.turns.release_lease

    async def cancel_beside(*arguments: object) -> None:
        if late:
            await release(*arguments)  # type: ignore[arg-type]
        await messages_of(engine).cancel_message(USER, message.message_id)
        if not late:
            await release(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.service._engine.turns, "release_lease", cancel_beside)
        await work(engine, shop)
    assert (await shop.find(message)).status is MessageStatus.CANCELLED
    assert len(shop.agents.briefs) == 1
    assert await receive_all(engine, HIDDEN_SECONDS) == []


async def test_sending_a_message_returns_when_one_was_last_cancelled(engine: TestedEngine, clock: ManualClock) -> None:
    session, other = await stored_session(engine), await stored_session(engine)

    async def last_cancel(session: Session) -> datetime | None:
        draft = draft_message(engine, session)
        queued = await engine.messages.queue_message(draft, QUEUE_LIMIT)
        assert await engine.messages.queue_message(draft, QUEUE_LIMIT) == queued._replace(is_new=False)
        return queued.cancelled_at

    assert await last_cancel(session) is None
    first = await queued_message(engine, session)
    for _ in range(2):
        clock.advance(1)
        await cancel(engine, first)
        assert await last_cancel(session) == clock.now()
        first = await queued_message(engine, session)
    assert await last_cancel(other) is None
    turn = await claimed_turn(engine, other)
    clock.advance(LEASE.total_seconds())
    await cancel(engine, turn)
    assert await last_cancel(other) == clock.now()
