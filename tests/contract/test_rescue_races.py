"""Rescues against the original notification, later starts and stale lists, on every engine."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Message
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurns
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done, Requeue
from backend.app.domain.turns.ports import TurnStore
from tests.contract.builders import claimed_turn, queued_message, stored_session, try_claim
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import receive_all
from tests.contract.rescue_drivers import (
    HIDDEN_SECONDS,
    closer,
    rescued,
    send,
    shop_of,
    work,
)
from tests.faults.workers import notification_of
from tests.manual_time import ManualClock


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
    await try_claim(engine, (await shop.queue("Two")).message_id)
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
    held = await claimed_turn(engine)
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
