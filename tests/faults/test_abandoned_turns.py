"""Turns that nobody runs any more are rung for again, or end visibly; those that somebody runs are left alone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurns, AbandonedTurnService
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done
from backend.app.wiring_local import LocalEngine
from shared.bus_messages import BusMessage
from shared.events import MessageFailedEvent, VibecodeResponseEvent
from tests.domain.scripted_agents import TurnFixture
from tests.faults.workers import (
    FROZEN,
    LEASE_SECONDS,
    WAIT_SECONDS,
    Halt,
    halted_at,
    open_race_fixture,
    rung,
    worker_of,
)
from tests.manual_time import ManualClock

TOO_LONG = 20
NONE = AbandonedTurns(lost=0, waiting=0)
ONE = AbandonedTurns(lost=1, waiting=0)
ATTEMPTS = FROZEN.attempts


@pytest.fixture
async def shop(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory", Draft("Done.", None), Draft("Done again.", None))


@pytest.fixture
async def heard(engine: LocalEngine) -> AsyncIterator[list[BusMessage]]:
    heard: list[BusMessage] = []
    stop = engine.bus.listen(heard.append)
    yield heard
    stop()


def closer(engine: LocalEngine, end_halt: Halt | None = None) -> AbandonedTurnService:
    turns = halted_at(engine.turns, "end_turn", end_halt) if end_halt else engine.turns
    return AbandonedTurnService(replace(engine, turns=turns), FROZEN, max_turns=8)


async def begin(engine: LocalEngine, message: Message, times: int = 1) -> None:
    """Take the turn so often and do nothing with it, as workers that die."""
    for time in range(times):
        now = engine.clock.now()
        is_last = time == times - 1
        lease = timedelta(seconds=LEASE_SECONDS if is_last else 0)
        await engine.turns.claim_turn(message.message_id, now, now + lease, ATTEMPTS)


async def bells(engine: LocalEngine) -> list[str]:
    return [message_id for message_id, _ in await rung(engine)]


async def answer_bell(shop: TurnFixture) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        received = await shop.engine.queue.receive(LEASE_SECONDS)
        assert await shop.service.run_turn(received.notification, received.receipt_handle) == Done()
    await shop.engine.queue.acknowledge(received.receipt_handle)


async def test_a_lost_notification_is_rung_again_after_twenty_seconds(shop: TurnFixture, clock: ManualClock) -> None:
    message = await shop.queue()
    clock.advance(TOO_LONG - 1)
    assert await closer(shop.engine).close_abandoned_turns() == NONE
    assert await bells(shop.engine) == []
    clock.advance(1)
    assert await closer(shop.engine).close_abandoned_turns() == ONE
    assert await bells(shop.engine) == [message.message_id]
    await answer_bell(shop)
    assert (await shop.find(message)).status is MessageStatus.COMPLETED


async def test_a_dead_workers_turn_is_rung_for_when_its_lease_is_over(shop: TurnFixture, clock: ManualClock) -> None:
    message = await shop.queue()
    await begin(shop.engine, message)
    clock.advance(LEASE_SECONDS - 1)
    assert await closer(shop.engine).close_abandoned_turns() == NONE
    clock.advance(1)
    assert await closer(shop.engine).close_abandoned_turns() == ONE
    assert await bells(shop.engine) == [message.message_id]
    await answer_bell(shop)
    found = await shop.find(message)
    assert (found.status, found.attempt) == (MessageStatus.COMPLETED, 2)


async def test_a_turn_whose_attempts_are_spent_fails_visibly(
    shop: TurnFixture, clock: ManualClock, heard: list[BusMessage]
) -> None:
    message = await shop.queue()
    await begin(shop.engine, message, times=ATTEMPTS)
    clock.advance(LEASE_SECONDS)
    assert await closer(shop.engine).close_abandoned_turns() == ONE
    found = await shop.find(message)
    assert found.error is not None
    assert (found.status, found.error.code) == (MessageStatus.FAILED, "attempts_spent")
    (failed,) = await shop.events()
    assert isinstance(failed, MessageFailedEvent)
    assert heard == [failed]
    assert await bells(shop.engine) == []


async def test_live_turns_and_those_that_wait_behind_them_are_left_alone(
    shop: TurnFixture, clock: ManualClock, heard: list[BusMessage]
) -> None:
    running, _ = await shop.queue("One"), await shop.queue("Two")
    clock.advance(5 * TOO_LONG)
    await begin(shop.engine, running)
    assert await closer(shop.engine).close_abandoned_turns() == NONE
    assert (await bells(shop.engine), heard) == ([], [])
    assert (await shop.find(running)).attempt == 1


async def test_ended_turns_are_left_alone(shop: TurnFixture, clock: ManualClock) -> None:
    await shop.answer(await shop.queue())
    before = await shop.events()
    clock.advance(5 * TOO_LONG)
    assert await closer(shop.engine).close_abandoned_turns() == NONE
    assert (await bells(shop.engine), await shop.events()) == ([], before)


async def test_the_message_behind_a_turn_that_fails_is_rung_for_at_once(shop: TurnFixture, clock: ManualClock) -> None:
    dead, waiting = await shop.queue("One"), await shop.queue("Two")
    await begin(shop.engine, dead, times=ATTEMPTS)
    clock.advance(LEASE_SECONDS)
    assert await closer(shop.engine).close_abandoned_turns() == ONE
    assert await closer(shop.engine).close_abandoned_turns() == NONE
    assert await bells(shop.engine) == [waiting.message_id]
    await answer_bell(shop)
    assert (await shop.find(waiting)).status is MessageStatus.COMPLETED


async def test_closing_again_and_again_answers_a_turn_once(shop: TurnFixture, clock: ManualClock) -> None:
    message = await shop.queue()
    for seconds in (20, 20, 40):
        clock.advance(seconds)
        await closer(shop.engine).close_abandoned_turns()
    for _ in range(3):
        await answer_bell(shop)
    assert (await shop.find(message)).attempt == 1
    assert len(shop.agents.briefs) == 1


async def test_a_last_attempt_that_completes_just_before_it_is_failed_stays_completed(
    shop: TurnFixture, clock: ManualClock
) -> None:
    message = await shop.queue()
    await begin(shop.engine, message, times=ATTEMPTS - 1)
    clock.advance(LEASE_SECONDS)
    worker_halt, closer_halt = Halt(), Halt()
    zombie = worker_of(shop, Draft("Just in time.", None), halt_at="complete_turn", halt=worker_halt)
    running = asyncio.create_task(
        zombie.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")
    )
    async with asyncio.timeout(WAIT_SECONDS):
        await worker_halt.reached.wait()
        clock.advance(LEASE_SECONDS)
        closing = asyncio.create_task(closer(shop.engine, closer_halt).close_abandoned_turns())
        await closer_halt.reached.wait()
        worker_halt.opened.set()
        await running
        closer_halt.opened.set()
        assert await closing == ONE
    assert (await shop.find(message)).content == "Just in time."
    kinds = [type(event) for event in await shop.events()]
    assert (kinds.count(VibecodeResponseEvent), kinds.count(MessageFailedEvent)) == (1, 0)


async def test_a_last_attempt_that_wakes_after_it_was_failed_stays_failed(
    shop: TurnFixture, clock: ManualClock
) -> None:
    message = await shop.queue()
    await begin(shop.engine, message, times=ATTEMPTS - 1)
    clock.advance(LEASE_SECONDS)
    halt = Halt()
    zombie = worker_of(shop, Draft("Too late.", None), halt_at="complete_turn", halt=halt)
    running = asyncio.create_task(
        zombie.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")
    )
    async with asyncio.timeout(WAIT_SECONDS):
        await halt.reached.wait()
        clock.advance(LEASE_SECONDS)
        assert await closer(shop.engine).close_abandoned_turns() == ONE
        halt.opened.set()
        await running
    assert (await shop.find(message)).status is MessageStatus.FAILED
    assert isinstance((await shop.events())[-1], MessageFailedEvent)
    assert await shop.remembered() == (0, ())
