"""What every TurnQueue owes, and its receiving side; hiding and returning are in test_turn_queue_receipts."""

import asyncio
from collections import defaultdict
from dataclasses import replace

from backend.app.domain.ports import Doorbell
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.queue_hands import VISIBILITY, doorbells, expect_hidden, receive, receive_and_answer
from tests.manual_time import ManualClock

_DEADLINE = 10.0


async def test_a_doorbell_is_received_as_it_was_rung(engine: TestedEngine) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    assert (await receive(engine)).doorbell == doorbell


async def test_ringing_twice_delivers_twice(engine: TestedEngine) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    await engine.queue.ring(doorbell)
    assert await receive_and_answer(engine) == doorbell
    assert await receive_and_answer(engine) == doorbell


async def test_the_doorbells_of_a_session_come_in_the_order_in_which_they_were_rung(engine: TestedEngine) -> None:
    rung = doorbells(engine, 4)
    for doorbell in rung:
        await engine.queue.ring(doorbell)
    assert [await receive_and_answer(engine) for _ in rung] == rung


async def test_a_session_has_one_doorbell_out_at_a_time(engine: TestedEngine) -> None:
    first, second = doorbells(engine, 2)
    (of_another,) = doorbells(engine, 1)
    for doorbell in (first, second, of_another):
        await engine.queue.ring(doorbell)
    held = await receive(engine)
    assert held.doorbell == first
    assert await receive_and_answer(engine) == of_another
    await engine.queue.acknowledge(held.receipt)
    assert (await receive(engine)).doorbell == second


async def test_a_rescue_is_held_up_by_nothing_and_holds_up_nothing(engine: TestedEngine) -> None:
    first, second = doorbells(engine, 2)
    rescue = replace(second, is_rescue=True)
    await engine.queue.ring(first)
    assert (await receive(engine)).doorbell == first
    for _ in range(2):
        await engine.queue.ring(rescue)
        assert (await receive(engine)).doorbell == rescue
    await engine.queue.ring(second)
    await expect_hidden(engine)


async def test_a_rescue_that_comes_back_is_still_one(engine: TestedEngine, clock: ManualClock) -> None:
    (doorbell,) = doorbells(engine, 1)
    await engine.queue.ring(replace(doorbell, is_rescue=True))
    for _ in range(2):
        assert (await receive(engine)).doorbell == replace(doorbell, is_rescue=True)
        clock.advance(VISIBILITY + 1)


async def test_sessions_are_served_in_parallel(engine: TestedEngine) -> None:
    rung = [doorbell for _ in range(8) for doorbell in doorbells(engine, 1)]
    for doorbell in rung:
        await engine.queue.ring(doorbell)
    held = await asyncio.gather(*(receive(engine) for _ in rung))
    assert {each.doorbell for each in held} == set(rung)
    assert len({each.receipt for each in held}) == 8


async def test_an_acknowledged_doorbell_never_rings_again(engine: TestedEngine, clock: ManualClock) -> None:
    first, second = doorbells(engine, 2)
    await engine.queue.ring(first)
    await receive_and_answer(engine)
    clock.advance(10 * VISIBILITY)
    await engine.queue.ring(second)
    assert (await receive(engine)).doorbell == second


async def test_who_waits_is_woken_by_the_next_doorbell(engine: TestedEngine) -> None:
    (doorbell,) = doorbells(engine, 1)
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(engine.queue.receive(VISIBILITY))
        await engine.queue.ring(doorbell)
    assert waiting.result().doorbell == doorbell


async def test_who_waits_is_woken_when_the_sessions_last_doorbell_is_answered(engine: TestedEngine) -> None:
    first, second = doorbells(engine, 2)
    await engine.queue.ring(first)
    await engine.queue.ring(second)
    held = await receive(engine)
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(engine.queue.receive(VISIBILITY))
        await engine.queue.acknowledge(held.receipt)
    assert waiting.result().doorbell == second


async def test_who_waits_hears_what_another_process_rings(engine: TestedEngine, other_engine: TestedEngine) -> None:
    (doorbell,) = doorbells(engine, 1)
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(engine.queue.receive(VISIBILITY))
        await other_engine.queue.ring(doorbell)
    assert waiting.result().doorbell == doorbell


async def test_one_of_many_who_wait_gets_a_doorbell(engine: TestedEngine) -> None:
    rung = [doorbell for _ in range(4) for doorbell in doorbells(engine, 1)]
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(engine.queue.receive(VISIBILITY)) for _ in rung]
        for doorbell in rung:
            await engine.queue.ring(doorbell)
    assert {each.result().doorbell for each in waiting} == set(rung)


async def test_who_stops_waiting_takes_nothing_along(engine: TestedEngine) -> None:
    (doorbell,) = doorbells(engine, 1)
    waiting = asyncio.create_task(engine.queue.receive(VISIBILITY))
    await asyncio.wait([waiting], timeout=0.02)
    waiting.cancel()
    await asyncio.wait([waiting])
    await engine.queue.ring(doorbell)
    assert (await receive(engine)).doorbell == doorbell


async def test_doorbells_outlive_their_process(engine: TestedEngine, reopen: Reopen) -> None:
    rung = doorbells(engine, 2)
    for doorbell in rung:
        await engine.queue.ring(doorbell)
    engine = await reopen()
    assert [await receive_and_answer(engine) for _ in rung] == rung


async def test_a_doorbell_in_the_hands_of_a_process_that_died_rings_again(
    engine: TestedEngine, clock: ManualClock, reopen: Reopen
) -> None:
    (doorbell,), (of_another,) = doorbells(engine, 1), doorbells(engine, 1)
    await engine.queue.ring(doorbell)
    await receive(engine)
    engine = await reopen()
    await engine.queue.ring(of_another)
    assert await receive_and_answer(engine) == of_another
    clock.advance(VISIBILITY + 1)
    assert (await receive(engine)).doorbell == doorbell


async def test_eight_workers_of_two_processes_serve_every_session_in_order_and_never_twice_at_once(
    engine: TestedEngine, other_engine: TestedEngine
) -> None:
    sessions = [doorbells(engine, 5) for _ in range(4)]
    for turn in zip(*sessions, strict=True):
        for doorbell in turn:
            await engine.queue.ring(doorbell)
    in_hand: set[str] = set()
    answered: defaultdict[str, list[Doorbell]] = defaultdict(list)
    done = asyncio.Event()

    async def work(worker: TestedEngine) -> None:
        while True:
            held = await worker.queue.receive(VISIBILITY)
            session_id = held.doorbell.session_id
            assert session_id not in in_hand
            in_hand.add(session_id)
            await worker.queue.extend(held.receipt, VISIBILITY)
            answered[session_id].append(held.doorbell)
            in_hand.discard(session_id)
            await worker.queue.acknowledge(held.receipt)
            if sum(map(len, answered.values())) == 20:
                done.set()

    workers = [asyncio.create_task(work(each)) for each in (engine, other_engine) * 4]
    async with asyncio.timeout(_DEADLINE):
        await done.wait()
    for worker in workers:
        worker.cancel()
    outcomes = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert {session[0].session_id: session for session in sessions} == answered
