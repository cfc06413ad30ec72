"""What every TurnQueue owes to whoever holds a doorbell: how long it stays hidden, and when it rings again."""

from collections.abc import Awaitable, Callable

import pytest

from backend.app.domain.ports import TurnQueue
from tests.contract.engines import TestedEngine
from tests.contract.queue_hands import VISIBILITY, doorbells, expect_hidden, receive, receive_and_answer
from tests.manual_time import ManualClock

Answer = Callable[[TestedEngine, str], Awaitable[None]]

ANSWERS: dict[str, Answer] = {
    "acknowledge": lambda engine, receipt: engine.queue.acknowledge(receipt),
    "extend": lambda engine, receipt: engine.queue.extend(receipt, 10 * VISIBILITY),
    "extend_by_nothing": lambda engine, receipt: engine.queue.extend(receipt, 0),
    "put_back": lambda engine, receipt: engine.queue.put_back(receipt, 0),
}


def test_the_queue_is_a_turn_queue(engine: TestedEngine) -> None:
    queue: TurnQueue = engine.queue
    assert queue is engine.queue


async def test_a_received_doorbell_is_hidden_for_its_visibility(engine: TestedEngine, clock: ManualClock) -> None:
    await engine.queue.ring(doorbells(engine, 1)[0])
    await receive(engine)
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)


async def test_a_doorbell_rings_again_when_its_visibility_ran_out(engine: TestedEngine, clock: ManualClock) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    receipts = set()
    for _ in range(3):
        held = await receive(engine)
        assert held.doorbell == doorbell
        receipts.add(held.receipt)
        clock.advance(VISIBILITY + 1)
    assert len(receipts) == 3


async def test_a_doorbell_that_rings_again_comes_before_its_sessions_others(
    engine: TestedEngine, clock: ManualClock
) -> None:
    first, second = doorbells(engine, 2)
    await engine.queue.ring(first)
    await engine.queue.ring(second)
    await receive(engine)
    clock.advance(VISIBILITY + 1)
    held = await receive(engine)
    assert held.doorbell == first
    await expect_hidden(engine)
    await engine.queue.acknowledge(held.receipt)
    assert (await receive(engine)).doorbell == second


async def test_an_extended_doorbell_stays_hidden_for_so_long_from_now(engine: TestedEngine, clock: ManualClock) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    held = await receive(engine)
    for _ in range(3):
        clock.advance(VISIBILITY - 1)
        await engine.queue.extend(held.receipt, VISIBILITY)
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert (await receive(engine)).doorbell == doorbell


async def test_an_extended_doorbell_can_be_answered_with_its_receipt(engine: TestedEngine, clock: ManualClock) -> None:
    await engine.queue.ring(doorbells(engine, 1)[0])
    held = await receive(engine)
    await engine.queue.extend(held.receipt, 2 * VISIBILITY)
    clock.advance(VISIBILITY + 1)
    await engine.queue.acknowledge(held.receipt)
    clock.advance(10 * VISIBILITY)
    await expect_hidden(engine)


async def test_a_doorbell_that_was_put_back_rings_again_in_so_many_seconds(
    engine: TestedEngine, clock: ManualClock
) -> None:
    first, second = doorbells(engine, 2)
    await engine.queue.ring(first)
    await engine.queue.ring(second)
    held = await receive(engine)
    await engine.queue.put_back(held.receipt, 5)
    clock.advance(4)
    await expect_hidden(engine)
    clock.advance(2)
    assert await receive_and_answer(engine) == first
    assert await receive_and_answer(engine) == second


async def test_a_doorbell_can_be_put_back_for_longer_than_it_was_hidden(
    engine: TestedEngine, clock: ManualClock
) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    held = await receive(engine)
    await engine.queue.put_back(held.receipt, 3 * VISIBILITY)
    clock.advance(3 * VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert (await receive(engine)).doorbell == doorbell


async def test_a_doorbell_that_was_put_back_for_no_time_rings_at_once(engine: TestedEngine) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    held = await receive(engine)
    await engine.queue.put_back(held.receipt, 0)
    assert (await receive(engine)).doorbell == doorbell


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_stale_receipt_is_ignored(engine: TestedEngine, clock: ManualClock, answer: str) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    stale = await receive(engine)
    clock.advance(VISIBILITY + 1)
    assert (await receive(engine)).doorbell == doorbell
    await ANSWERS[answer](engine, stale.receipt)
    clock.advance(VISIBILITY - 1)
    await expect_hidden(engine)
    clock.advance(2)
    assert (await receive(engine)).doorbell == doorbell


@pytest.mark.parametrize("answer", ANSWERS)
async def test_the_receipt_of_an_answered_doorbell_is_ignored(engine: TestedEngine, answer: str) -> None:
    first, second = doorbells(engine, 2)
    await engine.queue.ring(first)
    await engine.queue.ring(second)
    held = await receive(engine)
    await engine.queue.acknowledge(held.receipt)
    await ANSWERS[answer](engine, held.receipt)
    assert (await receive(engine)).doorbell == second
    await ANSWERS[answer](engine, held.receipt)
    await expect_hidden(engine)


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_made_up_receipt_is_ignored(engine: TestedEngine, answer: str) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    await ANSWERS[answer](engine, "made-up")
    held = await receive(engine)
    assert held.doorbell == doorbell
    await ANSWERS[answer](engine, "made-up")
    await expect_hidden(engine)
