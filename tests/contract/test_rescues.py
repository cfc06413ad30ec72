"""Turns whose start failed, on every engine: they start again within 90 s, once, and delay no other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from backend.app.adapters.local.turn_queue import ReceivedNotification
from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurns, AbandonedTurnService
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done, Requeue
from backend.app.domain.turns.ports import TurnStore
from backend.app.wiring_local import LocalEngine
from tests.contract.builders import (
    LEASE,
    MAX_ATTEMPTS,
    current_message,
    queued_message,
    stored_session,
    take,
    taken_turn,
)
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import receive_all
from tests.domain.scripted_agents import Step, TurnFixture
from tests.faults.workers import FROZEN, notification_of, open_race_fixture
from tests.manual_time import ManualClock

# What the event source mapping hides a notification for, when the function then fails before our code.
HIDDEN_SECONDS = 900
SCHEDULE_SECONDS = 60
PROMISED_SECONDS = 90
POOL = 8


def closer(engine: TestedEngine, *, max_turns: int = POOL, turns: object = None) -> AbandonedTurnService:
    store = cast(TurnStore, turns or engine.turns)
    return AbandonedTurnService(replace(engine, turns=store), FROZEN, max_turns=max_turns)


async def shop_of(engine: TestedEngine, folder: Path, *steps: Step) -> TurnFixture:
    return await open_race_fixture(cast(LocalEngine, engine), folder / "memories", *steps)


async def send(engine: TestedEngine, message: Message) -> Message:
    await engine.queue.enqueue(notification_of(message))
    return message


async def fail_to_start(engine: TestedEngine) -> list[TurnNotification]:
    """Every notification that can be received goes to a function that fails before its handler."""
    return [received.notification for received in await receive_all(engine, HIDDEN_SECONDS)]


async def work(engine: TestedEngine, shop: TurnFixture) -> list[TurnNotification]:
    """Handle all notifications that can be received, and those that follow from them; returns which were."""
    handled: list[TurnNotification] = []
    while received := await receive_all(engine, HIDDEN_SECONDS):
        for held in received:
            handled.append(held.notification)
            await handle(engine, shop, held)
    return handled


async def handle(engine: TestedEngine, shop: TurnFixture, held: ReceivedNotification) -> None:
    outcome = await shop.service.run_turn(held.notification, held.receipt_handle)
    if isinstance(outcome, Requeue):
        await engine.queue.requeue(held.receipt_handle, outcome.seconds)
    else:
        await engine.queue.acknowledge(held.receipt_handle)


async def rescued(engine: TestedEngine) -> list[str]:
    """The messages that were notified of again; the notifications are lost by that."""
    received = await receive_all(engine, HIDDEN_SECONDS)
    assert all(held.notification.is_rescue for held in received)
    return [held.notification.message_id for held in received]


@pytest.mark.parametrize("first_search", [1, 19, 20, 45, 60])
async def test_a_session_whose_start_failed_is_begun_again_within_ninety_seconds_and_answered_once(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path, first_search: int
) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Done.", None))
    message = await send(engine, await shop.queue())
    sent_at = clock.now()
    assert await fail_to_start(engine) == [notification_of(message)]
    clock.advance(first_search)
    for _ in range(3):
        await closer(engine).close_abandoned_turns()
        await work(engine, shop)
        if (await shop.find(message)).status is MessageStatus.COMPLETED:
            break
        clock.advance(SCHEDULE_SECONDS)
    assert clock.now() - sent_at <= timedelta(seconds=PROMISED_SECONDS)
    found = await shop.find(message)
    assert (found.status, found.attempt) == (MessageStatus.COMPLETED, 1)
    clock.advance(HIDDEN_SECONDS + 1)
    assert await work(engine, shop) == [notification_of(message)]  # the one that was hidden comes back, to nothing
    assert (len(shop.agents.briefs), len(await shop.events())) == (1, 4)


async def test_a_rescue_whose_start_fails_too_holds_up_neither_the_next_nor_those_of_others(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Done.", None))
    message = await send(engine, await shop.queue())
    await fail_to_start(engine)
    for attempt in range(4):
        clock.advance(2 * SCHEDULE_SECONDS)
        other = await send(engine, await queued_message(engine, await stored_session(engine)))
        assert notification_of(other) in await fail_to_start(engine)
        clock.advance(20)
        assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=2 + attempt, waiting=0)
        # The starts of all but the last fail as well.
        again = await rescued(engine) if attempt < 3 else []
        assert again.count(message.message_id) == (attempt < 3)
        assert len(set(again)) == len(again)
    held = [
        held for held in await receive_all(engine, HIDDEN_SECONDS) if held.notification.session_id == message.session_id
    ]
    (last,) = held
    await handle(engine, shop, last)
    assert (await shop.find(message)).status is MessageStatus.COMPLETED


async def test_rescues_of_a_message_come_at_times_that_double_up_to_two_minutes(
    engine: TestedEngine, clock: ManualClock
) -> None:
    message = await send(engine, await queued_message(engine, await stored_session(engine)))
    await fail_to_start(engine)
    times: list[int] = []
    for second in range(1, 601):
        clock.advance(1)
        if second % 10 == 0:  # more often than any schedule
            await closer(engine).close_abandoned_turns()
            times += [second] * (await rescued(engine)).count(message.message_id)
    assert times == [20, 40, 80, 160, 280, 400, 520]
    assert (await current_message(engine, message)).rescues == len(times)


async def test_what_waits_behind_a_full_pool_is_not_notified_of_again_and_not_lost(
    engine: TestedEngine, clock: ManualClock
) -> None:
    running = await taken_turn(engine)
    waiting = [await queued_message(engine, await stored_session(engine)) for _ in range(3)]
    clock.advance(20)
    assert await closer(engine, max_turns=1).close_abandoned_turns() == AbandonedTurns(lost=0, waiting=3)
    assert await rescued(engine) == []
    await engine.turns.release_lease(running, clock.now(), clock.now() + timedelta(seconds=300))
    assert await closer(engine, max_turns=1).close_abandoned_turns() == AbandonedTurns(lost=3, waiting=0)
    assert sorted(await rescued(engine)) == sorted(message.message_id for message in waiting)


async def test_a_dead_workers_turn_is_lost_behind_a_full_pool_too_and_fails_there_when_its_attempts_are_spent(
    engine: TestedEngine, clock: ManualClock
) -> None:
    dead = await taken_turn(engine)
    spent = await queued_message(engine, await stored_session(engine))
    for _ in range(MAX_ATTEMPTS):
        clock.advance(LEASE.total_seconds())
        await take(engine, spent.message_id)
    clock.advance(LEASE.total_seconds())
    await taken_turn(engine)
    assert await closer(engine, max_turns=1).close_abandoned_turns() == AbandonedTurns(lost=2, waiting=0)
    assert await rescued(engine) == []
    assert (await current_message(engine, spent)).status is MessageStatus.FAILED
    assert (await current_message(engine, dead)).status is MessageStatus.RUNNING


async def test_all_lost_turns_are_found_in_one_search_however_many_they_are(
    engine: TestedEngine, clock: ManualClock
) -> None:
    count = 40  # that the list itself goes beyond any page is shown for it alone
    lost = [(await queued_message(engine, await stored_session(engine))).message_id for _ in range(count)]
    clock.advance(20)
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=count, waiting=0)
    assert sorted(await rescued(engine)) == sorted(lost)
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=0, waiting=0)


async def test_a_rescue_goes_on_with_its_sessions_next_messages_whose_notifications_are_held_up(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, *(Draft(f"Answer {number}", None) for number in range(3)))
    messages = [await send(engine, await shop.queue(f"Question {number}")) for number in range(3)]
    assert await fail_to_start(engine) == [notification_of(messages[0])]  # the others are held up behind it
    clock.advance(20)
    await closer(engine).close_abandoned_turns()
    handled = await work(engine, shop)
    assert [bell.message_id for bell in handled] == [message.message_id for message in messages]
    assert all(bell.is_rescue for bell in handled)
    assert [(await shop.find(message)).content for message in messages] == ["Answer 0", "Answer 1", "Answer 2"]
    clock.advance(HIDDEN_SECONDS + 1)
    assert await work(engine, shop) == [notification_of(message) for message in messages]
    assert len(shop.agents.briefs) == 3


async def test_the_message_behind_one_that_is_failed_is_notified_of_at_once(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    spent, following = await queued_message(engine, session), await queued_message(engine, session)
    for _ in range(MAX_ATTEMPTS):
        await take(engine, spent.message_id)
        clock.advance(LEASE.total_seconds())
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=1, waiting=0)
    assert (await current_message(engine, spent)).status is MessageStatus.FAILED
    assert await rescued(engine) == [following.message_id]


async def test_a_rescue_and_the_notification_that_it_stands_for_make_one_answer_and_neither_stays(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    begun, opened = asyncio.Event(), asyncio.Event()

    async def wait() -> Draft:
        begun.set()
        await opened.wait()
        return Draft("Done.", None)

    shop = await shop_of(engine, tmp_path, wait)
    message = await send(engine, await shop.queue())
    clock.advance(20)
    await closer(engine).close_abandoned_turns()
    first, second = await receive_all(engine, HIDDEN_SECONDS)
    assert (first.notification.is_rescue, second.notification.is_rescue) == (False, True)
    async with asyncio.timeout(20):
        running = asyncio.create_task(shop.service.run_turn(second.notification, second.receipt_handle))
        await begun.wait()
        assert await shop.service.run_turn(first.notification, first.receipt_handle) == Requeue(10)
        opened.set()
        assert await running == Done()
    assert await shop.service.run_turn(first.notification, first.receipt_handle) == Done()
    assert (await shop.find(message)).attempt == 1


async def test_a_notification_of_a_message_that_has_ended_does_not_wait_for_the_turn_of_another(
    engine: TestedEngine, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Done.", None))
    ended = await shop.queue("One")
    assert await shop.answer(ended) == Done()
    await take(engine, (await shop.queue("Two")).message_id)
    assert await shop.answer(ended) == Done()
    assert (
        await shop.service.run_turn(
            TurnNotification(ended.session_id, ended.message_id, is_rescue=True), "receipt-handle"
        )
        == Done()
    )


async def test_a_turn_that_is_to_be_begun_again_later_is_not_begun_sooner_by_a_rescue(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    busy = TurnError("model_unavailable", "429", retryable=True, retry_after=200)
    shop = await shop_of(engine, tmp_path, busy)
    message = await send(engine, await shop.queue())
    assert await work(engine, shop) == [notification_of(message)]
    clock.advance(199)
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=0, waiting=0)
    clock.advance(21)
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=1, waiting=0)


class StaleList:
    """A TurnStore whose list of what is due is that of a while ago; of one session nothing can be read."""

    def __init__(self, turns: TurnStore, session_ids: list[str], broken: str = "") -> None:
        self._turns = turns
        self._session_ids = session_ids
        self._broken = broken

    def __getattr__(self, method: str) -> Any:
        return getattr(self._turns, method)

    async def list_due_sessions(self, now: datetime) -> AsyncIterator[str]:
        for session_id in self._session_ids:
            yield session_id

    async def find_open_message(self, session_id: str) -> Message | None:
        if session_id == self._broken:
            raise OSError("the store is unavailable")
        return await self._turns.find_open_message(session_id)


async def test_what_only_a_list_of_a_while_ago_has_due_is_left_alone(engine: TestedEngine, clock: ManualClock) -> None:
    clock.advance(100)
    ended = await stored_session(engine)
    held = await taken_turn(engine)
    fresh = await queued_message(engine, await stored_session(engine))
    stale = StaleList(engine.turns, [ended.session_id, held.session_id, fresh.session_id, "no-such-session"])
    assert await closer(engine, turns=stale).close_abandoned_turns() == AbandonedTurns(lost=0, waiting=0)
    assert await rescued(engine) == []


async def test_two_searches_at_the_same_time_notify_once(
    engine: TestedEngine, other_engine: TestedEngine, clock: ManualClock
) -> None:
    message = await queued_message(engine, await stored_session(engine))
    clock.advance(20)
    found = await asyncio.gather(
        *(closer(one).close_abandoned_turns() for one in (engine, other_engine, engine, other_engine))
    )
    assert sum(each.lost for each in found) == 1
    assert await rescued(engine) == [message.message_id]


async def test_a_session_that_fails_to_be_rescued_is_logged_and_affects_no_other(
    engine: TestedEngine, clock: ManualClock
) -> None:
    messages = [await queued_message(engine, await stored_session(engine)) for _ in range(18)]
    clock.advance(20)
    broken = StaleList(engine.turns, [one.session_id for one in messages], broken=messages[0].session_id)
    with pytest.raises(ExceptionGroup, match="1 sessions could not be checked for abandoned turns"):
        await closer(engine, turns=broken).close_abandoned_turns()
    assert sorted(await rescued(engine)) == sorted(one.message_id for one in messages[1:])
