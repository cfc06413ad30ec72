"""What the engines owe while the clock of the machine is set: no message waits for the old time to come round."""

import asyncio

import pytest

from backend.app.domain.turns.ports import ClaimResult
from tests.contract.builders import LEASE, claim, claimed_turn, complete, queued_message, stored_session, try_claim
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import VISIBILITY, expect_hidden, notifications, receive, receive_and_answer
from tests.manual_time import ManualClock

DAY = 86_400.0
JUMPS = (-DAY, -3_600.0, -1.0, 1.0, DAY)

pytestmark = pytest.mark.parametrize("process", ["local"], indirect=True)  # SQS has a clock of its own


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_notification_is_received_whatever_the_clock_does(
    engine: TestedEngine, clock: ManualClock, jump: float
) -> None:
    before, after = notifications(engine, 1) + notifications(engine, 1)
    await engine.queue.enqueue(before)
    clock.advance(jump)
    await engine.queue.enqueue(after)
    assert {await receive_and_answer(engine), await receive_and_answer(engine)} == {before, after}


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_returned_notification_comes_back_in_its_time_or_sooner(
    engine: TestedEngine, clock: ManualClock, jump: float
) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    held = await receive(engine)
    await engine.queue.requeue(held.receipt_handle, VISIBILITY)
    clock.advance(jump)
    clock.advance(VISIBILITY + 1)
    assert await receive_and_answer(engine) == notification


async def test_a_notification_that_a_turn_of_this_process_has_stays_hidden_when_the_clock_goes_back(
    engine: TestedEngine, clock: ManualClock
) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    held = await receive(engine)
    clock.advance(-DAY)
    await expect_hidden(engine)
    await engine.queue.extend(held.receipt_handle, VISIBILITY)  # its heartbeat
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert await receive_and_answer(engine) == notification


async def test_a_notification_of_a_process_that_died_is_received_when_the_clock_went_back(
    engine: TestedEngine, clock: ManualClock, reopen: Reopen
) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    await receive(engine)
    clock.advance(-DAY)
    engine = await reopen()
    assert await receive_and_answer(engine) == notification


async def test_a_lease_ends_in_its_length_when_the_clock_went_back(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    clock.advance(-DAY)
    clock.advance(LEASE.total_seconds())
    outcome, message = await try_claim(engine, turn.message_id)
    assert (outcome, message and message.attempt) == (ClaimResult.CLAIMED, 2)


async def test_a_lease_that_a_heartbeat_extended_after_the_clock_went_back_is_held(
    engine: TestedEngine, clock: ManualClock
) -> None:
    turn = await claimed_turn(engine)
    clock.advance(-DAY)
    await engine.turns.heartbeat(turn, clock.now() + LEASE)
    clock.advance(LEASE.total_seconds() - 1)
    assert (await try_claim(engine, turn.message_id))[0] is ClaimResult.HELD
    clock.advance(2)
    assert (await try_claim(engine, turn.message_id))[0] is ClaimResult.CLAIMED


@pytest.mark.parametrize("jump", JUMPS)
async def test_turns_of_a_session_complete_in_order_over_a_jump(
    engine: TestedEngine, clock: ManualClock, jump: float
) -> None:
    session = await stored_session(engine)
    first, second = await queued_message(engine, session), await queued_message(engine, session)
    turn = await claim(engine, first.message_id)
    clock.advance(jump)
    await complete(engine, turn)
    await complete(engine, await claim(engine, second.message_id))
    async with asyncio.timeout(10):
        page = await engine.events.read_events(session.project_id, session.session_id, 0)
    assert page is not None
    assert [event.seq for event in page.events] == [1, 2]
    assert not page.truncated


@pytest.mark.parametrize("is_running", [False, True])
async def test_a_turn_that_no_worker_has_is_due_in_its_time_when_the_clock_went_back(
    engine: TestedEngine, clock: ManualClock, is_running: bool
) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    if is_running:
        await claim(engine, message.message_id)
    clock.advance(-DAY)
    clock.advance(LEASE.total_seconds())
    due = [session_id async for session_id in engine.turns.list_due_sessions(clock.now())]
    assert due == [session.session_id]
    assert await engine.turns.count_running(clock.now(), 10) == 0
