"""Contract of TurnQueue: how long a received notification stays hidden, and when it is delivered again."""

from collections.abc import Awaitable, Callable

import pytest

from backend.app.domain.ports import TurnQueue
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import VISIBILITY, expect_hidden, notifications, receive, receive_and_answer
from tests.manual_time import ManualClock

Answer = Callable[[TestedEngine, str], Awaitable[None]]

ANSWERS: dict[str, Answer] = {
    "acknowledge": lambda engine, receipt_handle: engine.queue.acknowledge(receipt_handle),
    "extend": lambda engine, receipt_handle: engine.queue.extend(receipt_handle, 10 * VISIBILITY),
    "extend_by_nothing": lambda engine, receipt_handle: engine.queue.extend(receipt_handle, 0),
    "requeue": lambda engine, receipt_handle: engine.queue.requeue(receipt_handle, 0),
}


def test_the_queue_is_a_turn_queue(engine: TestedEngine) -> None:
    queue: TurnQueue = engine.queue
    assert queue is engine.queue


async def test_a_received_notification_is_hidden_for_its_visibility(engine: TestedEngine, clock: ManualClock) -> None:
    await engine.queue.enqueue(notifications(engine, 1)[0])
    await receive(engine)
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)


async def test_a_notification_is_delivered_again_when_its_visibility_timeout_expires(
    engine: TestedEngine, clock: ManualClock
) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    receipt_handles = set()
    for _ in range(3):
        held = await receive(engine)
        assert held.notification == notification
        receipt_handles.add(held.receipt_handle)
        clock.advance(VISIBILITY + 1)
    assert len(receipt_handles) == 3


async def test_a_notification_that_is_delivered_again_comes_before_its_sessions_others(
    engine: TestedEngine, clock: ManualClock
) -> None:
    first, second = notifications(engine, 2)
    await engine.queue.enqueue(first)
    await engine.queue.enqueue(second)
    await receive(engine)
    clock.advance(VISIBILITY + 1)
    held = await receive(engine)
    assert held.notification == first
    await expect_hidden(engine)
    await engine.queue.acknowledge(held.receipt_handle)
    assert (await receive(engine)).notification == second


async def test_an_extended_notification_stays_hidden_for_so_long_from_now(
    engine: TestedEngine, clock: ManualClock
) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    held = await receive(engine)
    for _ in range(3):
        clock.advance(VISIBILITY - 1)
        await engine.queue.extend(held.receipt_handle, VISIBILITY)
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert (await receive(engine)).notification == notification


async def test_an_extended_notification_can_be_acknowledged_with_its_handle(
    engine: TestedEngine, clock: ManualClock
) -> None:
    await engine.queue.enqueue(notifications(engine, 1)[0])
    held = await receive(engine)
    await engine.queue.extend(held.receipt_handle, 2 * VISIBILITY)
    clock.advance(VISIBILITY + 1)
    await engine.queue.acknowledge(held.receipt_handle)
    clock.advance(10 * VISIBILITY)
    await expect_hidden(engine)


async def test_a_requeued_notification_is_delivered_again_after_its_seconds(
    engine: TestedEngine, clock: ManualClock
) -> None:
    first, second = notifications(engine, 2)
    await engine.queue.enqueue(first)
    await engine.queue.enqueue(second)
    held = await receive(engine)
    await engine.queue.requeue(held.receipt_handle, 5)
    clock.advance(4)
    await expect_hidden(engine)
    clock.advance(2)
    assert await receive_and_answer(engine) == first
    assert await receive_and_answer(engine) == second


async def test_a_notification_can_be_requeued_for_longer_than_it_was_hidden(
    engine: TestedEngine, clock: ManualClock
) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    held = await receive(engine)
    await engine.queue.requeue(held.receipt_handle, 3 * VISIBILITY)
    clock.advance(3 * VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert (await receive(engine)).notification == notification


async def test_a_notification_requeued_for_zero_seconds_is_visible_immediately(engine: TestedEngine) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    held = await receive(engine)
    await engine.queue.requeue(held.receipt_handle, 0)
    assert (await receive(engine)).notification == notification


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_stale_handle_is_ignored(engine: TestedEngine, clock: ManualClock, answer: str) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    stale = await receive(engine)
    clock.advance(VISIBILITY + 1)
    assert (await receive(engine)).notification == notification
    await ANSWERS[answer](engine, stale.receipt_handle)
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert (await receive(engine)).notification == notification


@pytest.mark.parametrize("answer", ANSWERS)
async def test_the_handle_of_an_acknowledged_notification_is_ignored(engine: TestedEngine, answer: str) -> None:
    first, second = notifications(engine, 2)
    await engine.queue.enqueue(first)
    await engine.queue.enqueue(second)
    held = await receive(engine)
    await engine.queue.acknowledge(held.receipt_handle)
    await ANSWERS[answer](engine, held.receipt_handle)
    assert (await receive(engine)).notification == second
    await ANSWERS[answer](engine, held.receipt_handle)
    await expect_hidden(engine)


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_made_up_handle_is_ignored(engine: TestedEngine, answer: str) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    await ANSWERS[answer](engine, "made-up")
    held = await receive(engine)
    assert held.notification == notification
    await ANSWERS[answer](engine, "made-up")
    await expect_hidden(engine)
