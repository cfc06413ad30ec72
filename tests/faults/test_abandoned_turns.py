"""Turns that no worker holds are enqueued again or end visibly; turns that a worker holds are left alone."""

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
    queued_notifications,
    worker_of,
)
from tests.manual_time import ManualClock

TOO_LONG = 20
NONE = AbandonedTurns(lost=0, waiting=0)
ONE = AbandonedTurns(lost=1, waiting=0)
ATTEMPTS = FROZEN.attempts


@pytest.fixture
async def fixture(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory", Draft("Done.", None), Draft("Done again.", None))


@pytest.fixture
async def published(engine: LocalEngine) -> AsyncIterator[list[BusMessage]]:
    published: list[BusMessage] = []
    stop = engine.bus.listen(published.append)
    yield published
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


async def queued_message_ids(engine: LocalEngine) -> list[str]:
    return [message_id for message_id, _ in await queued_notifications(engine)]


async def answer_notification(fixture: TurnFixture) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        received = await fixture.engine.queue.receive(LEASE_SECONDS)
        assert await fixture.service.run_turn(received.notification, received.receipt_handle) == Done()
    await fixture.engine.queue.acknowledge(received.receipt_handle)


async def test_a_lost_notification_is_enqueued_again_after_twenty_seconds(
    fixture: TurnFixture, clock: ManualClock
) -> None:
    message = await fixture.queue()
    clock.advance(TOO_LONG - 1)
    assert await closer(fixture.engine).close_abandoned_turns() == NONE
    assert await queued_message_ids(fixture.engine) == []
    clock.advance(1)
    assert await closer(fixture.engine).close_abandoned_turns() == ONE
    assert await queued_message_ids(fixture.engine) == [message.message_id]
    await answer_notification(fixture)
    assert (await fixture.find(message)).status is MessageStatus.COMPLETED


async def test_a_dead_workers_turn_is_enqueued_when_its_lease_is_over(fixture: TurnFixture, clock: ManualClock) -> None:
    message = await fixture.queue()
    await begin(fixture.engine, message)
    clock.advance(LEASE_SECONDS - 1)
    assert await closer(fixture.engine).close_abandoned_turns() == NONE
    clock.advance(1)
    assert await closer(fixture.engine).close_abandoned_turns() == ONE
    assert await queued_message_ids(fixture.engine) == [message.message_id]
    await answer_notification(fixture)
    found = await fixture.find(message)
    assert (found.status, found.attempt) == (MessageStatus.COMPLETED, 2)


async def test_a_turn_whose_attempts_are_spent_fails_visibly(
    fixture: TurnFixture, clock: ManualClock, published: list[BusMessage]
) -> None:
    message = await fixture.queue()
    await begin(fixture.engine, message, times=ATTEMPTS)
    clock.advance(LEASE_SECONDS)
    assert await closer(fixture.engine).close_abandoned_turns() == ONE
    found = await fixture.find(message)
    assert found.error is not None
    assert (found.status, found.error.code) == (MessageStatus.FAILED, "attempts_spent")
    (failed,) = await fixture.events()
    assert isinstance(failed, MessageFailedEvent)
    assert published == [failed]
    assert await queued_message_ids(fixture.engine) == []


async def test_live_turns_and_those_that_wait_behind_them_are_left_alone(
    fixture: TurnFixture, clock: ManualClock, published: list[BusMessage]
) -> None:
    running, _ = await fixture.queue("One"), await fixture.queue("Two")
    clock.advance(5 * TOO_LONG)
    await begin(fixture.engine, running)
    assert await closer(fixture.engine).close_abandoned_turns() == NONE
    assert (await queued_message_ids(fixture.engine), published) == ([], [])
    assert (await fixture.find(running)).attempt == 1


async def test_ended_turns_are_left_alone(fixture: TurnFixture, clock: ManualClock) -> None:
    await fixture.answer(await fixture.queue())
    before = await fixture.events()
    clock.advance(5 * TOO_LONG)
    assert await closer(fixture.engine).close_abandoned_turns() == NONE
    assert (await queued_message_ids(fixture.engine), await fixture.events()) == ([], before)


async def test_the_message_behind_a_turn_that_fails_is_enqueued_immediately(
    fixture: TurnFixture, clock: ManualClock
) -> None:
    dead, waiting = await fixture.queue("One"), await fixture.queue("Two")
    await begin(fixture.engine, dead, times=ATTEMPTS)
    clock.advance(LEASE_SECONDS)
    assert await closer(fixture.engine).close_abandoned_turns() == ONE
    assert await closer(fixture.engine).close_abandoned_turns() == NONE
    assert await queued_message_ids(fixture.engine) == [waiting.message_id]
    await answer_notification(fixture)
    assert (await fixture.find(waiting)).status is MessageStatus.COMPLETED


async def test_closing_again_and_again_answers_a_turn_once(fixture: TurnFixture, clock: ManualClock) -> None:
    message = await fixture.queue()
    for seconds in (20, 20, 40):
        clock.advance(seconds)
        await closer(fixture.engine).close_abandoned_turns()
    for _ in range(3):
        await answer_notification(fixture)
    assert (await fixture.find(message)).attempt == 1
    assert len(fixture.agents.briefs) == 1


async def test_a_last_attempt_that_completes_just_before_it_is_failed_stays_completed(
    fixture: TurnFixture, clock: ManualClock
) -> None:
    message = await fixture.queue()
    await begin(fixture.engine, message, times=ATTEMPTS - 1)
    clock.advance(LEASE_SECONDS)
    worker_halt, closer_halt = Halt(), Halt()
    zombie = worker_of(fixture, Draft("Just in time.", None), halt_at="complete_turn", halt=worker_halt)
    running = asyncio.create_task(
        zombie.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")
    )
    async with asyncio.timeout(WAIT_SECONDS):
        await worker_halt.reached.wait()
        clock.advance(LEASE_SECONDS)
        closing = asyncio.create_task(closer(fixture.engine, closer_halt).close_abandoned_turns())
        await closer_halt.reached.wait()
        worker_halt.opened.set()
        await running
        closer_halt.opened.set()
        assert await closing == ONE
    assert (await fixture.find(message)).content == "Just in time."
    kinds = [type(event) for event in await fixture.events()]
    assert (kinds.count(VibecodeResponseEvent), kinds.count(MessageFailedEvent)) == (1, 0)


async def test_a_last_attempt_that_wakes_after_it_was_failed_stays_failed(
    fixture: TurnFixture, clock: ManualClock
) -> None:
    message = await fixture.queue()
    await begin(fixture.engine, message, times=ATTEMPTS - 1)
    clock.advance(LEASE_SECONDS)
    halt = Halt()
    zombie = worker_of(fixture, Draft("Too late.", None), halt_at="complete_turn", halt=halt)
    running = asyncio.create_task(
        zombie.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")
    )
    async with asyncio.timeout(WAIT_SECONDS):
        await halt.reached.wait()
        clock.advance(LEASE_SECONDS)
        assert await closer(fixture.engine).close_abandoned_turns() == ONE
        halt.opened.set()
        await running
    assert (await fixture.find(message)).status is MessageStatus.FAILED
    assert isinstance((await fixture.events())[-1], MessageFailedEvent)
    assert await fixture.remembered() == (0, ())
