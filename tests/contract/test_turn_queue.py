"""What every TurnQueue owes, and its receiving side; hiding and returning are in test_turn_queue_visibility."""

import asyncio
from collections import defaultdict
from dataclasses import replace

from backend.app.domain.ports import TurnNotification
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import VISIBILITY, expect_hidden, notifications, receive, receive_and_answer
from tests.manual_time import ManualClock

_DEADLINE = 10.0


async def test_a_notification_is_received_as_it_was_enqueued(engine: TestedEngine) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    assert (await receive(engine)).notification == notification


async def test_enqueueing_twice_delivers_twice(engine: TestedEngine) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(notification)
    await engine.queue.enqueue(notification)
    assert await receive_and_answer(engine) == notification
    assert await receive_and_answer(engine) == notification


async def test_the_notifications_of_a_session_come_in_the_order_in_which_they_were_enqueued(
    engine: TestedEngine,
) -> None:
    enqueued = notifications(engine, 4)
    for notification in enqueued:
        await engine.queue.enqueue(notification)
    assert [await receive_and_answer(engine) for _ in enqueued] == enqueued


async def test_a_session_has_one_notification_out_at_a_time(engine: TestedEngine) -> None:
    first, second = notifications(engine, 2)
    (of_another,) = notifications(engine, 1)
    for notification in (first, second, of_another):
        await engine.queue.enqueue(notification)
    held = await receive(engine)
    assert held.notification == first
    assert await receive_and_answer(engine) == of_another
    await engine.queue.acknowledge(held.receipt_handle)
    assert (await receive(engine)).notification == second


async def test_a_rescue_is_held_up_by_nothing_and_holds_up_nothing(engine: TestedEngine) -> None:
    first, second = notifications(engine, 2)
    rescue = replace(second, is_rescue=True)
    await engine.queue.enqueue(first)
    assert (await receive(engine)).notification == first
    for _ in range(2):
        await engine.queue.enqueue(rescue)
        assert (await receive(engine)).notification == rescue
    await engine.queue.enqueue(second)
    await expect_hidden(engine)


async def test_a_rescue_that_comes_back_is_still_one(engine: TestedEngine, clock: ManualClock) -> None:
    (notification,) = notifications(engine, 1)
    await engine.queue.enqueue(replace(notification, is_rescue=True))
    for _ in range(2):
        assert (await receive(engine)).notification == replace(notification, is_rescue=True)
        clock.advance(VISIBILITY + 1)


async def test_sessions_are_served_in_parallel(engine: TestedEngine) -> None:
    enqueued = [notification for _ in range(8) for notification in notifications(engine, 1)]
    for notification in enqueued:
        await engine.queue.enqueue(notification)
    held = await asyncio.gather(*(receive(engine) for _ in enqueued))
    assert {each.notification for each in held} == set(enqueued)
    assert len({each.receipt_handle for each in held}) == 8


async def test_an_acknowledged_notification_is_never_delivered_again(engine: TestedEngine, clock: ManualClock) -> None:
    first, second = notifications(engine, 2)
    await engine.queue.enqueue(first)
    await receive_and_answer(engine)
    clock.advance(10 * VISIBILITY)
    await engine.queue.enqueue(second)
    assert (await receive(engine)).notification == second


async def test_who_waits_is_woken_by_the_next_notification(engine: TestedEngine) -> None:
    (notification,) = notifications(engine, 1)
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(engine.queue.receive(VISIBILITY))
        await engine.queue.enqueue(notification)
    assert waiting.result().notification == notification


async def test_who_waits_is_woken_when_the_sessions_last_notification_is_answered(engine: TestedEngine) -> None:
    first, second = notifications(engine, 2)
    await engine.queue.enqueue(first)
    await engine.queue.enqueue(second)
    held = await receive(engine)
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(engine.queue.receive(VISIBILITY))
        await engine.queue.acknowledge(held.receipt_handle)
    assert waiting.result().notification == second


async def test_a_waiting_receiver_gets_a_notification_of_another_process(
    engine: TestedEngine, other_engine: TestedEngine
) -> None:
    (notification,) = notifications(engine, 1)
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(engine.queue.receive(VISIBILITY))
        await other_engine.queue.enqueue(notification)
    assert waiting.result().notification == notification


async def test_one_of_many_who_wait_gets_a_notification(engine: TestedEngine) -> None:
    enqueued = [notification for _ in range(4) for notification in notifications(engine, 1)]
    async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(engine.queue.receive(VISIBILITY)) for _ in enqueued]
        for notification in enqueued:
            await engine.queue.enqueue(notification)
    assert {each.result().notification for each in waiting} == set(enqueued)


async def test_who_stops_waiting_takes_nothing_along(engine: TestedEngine) -> None:
    (notification,) = notifications(engine, 1)
    waiting = asyncio.create_task(engine.queue.receive(VISIBILITY))
    await asyncio.wait([waiting], timeout=0.02)
    waiting.cancel()
    await asyncio.wait([waiting])
    await engine.queue.enqueue(notification)
    assert (await receive(engine)).notification == notification


async def test_notifications_outlive_their_process(engine: TestedEngine, reopen: Reopen) -> None:
    enqueued = notifications(engine, 2)
    for notification in enqueued:
        await engine.queue.enqueue(notification)
    engine = await reopen()
    assert [await receive_and_answer(engine) for _ in enqueued] == enqueued


async def test_a_notification_held_by_a_process_that_died_is_delivered_again(
    engine: TestedEngine, clock: ManualClock, reopen: Reopen
) -> None:
    (notification,), (of_another,) = notifications(engine, 1), notifications(engine, 1)
    await engine.queue.enqueue(notification)
    await receive(engine)
    engine = await reopen()
    await engine.queue.enqueue(of_another)
    assert await receive_and_answer(engine) == of_another
    clock.advance(VISIBILITY + 1)
    assert (await receive(engine)).notification == notification


async def test_eight_workers_of_two_processes_serve_every_session_in_order_and_never_twice_at_once(
    engine: TestedEngine, other_engine: TestedEngine
) -> None:
    sessions = [notifications(engine, 5) for _ in range(4)]
    for turn in zip(*sessions, strict=True):
        for notification in turn:
            await engine.queue.enqueue(notification)
    in_hand: set[str] = set()
    answered: defaultdict[str, list[TurnNotification]] = defaultdict(list)
    done = asyncio.Event()

    async def work(worker: TestedEngine) -> None:
        while True:
            held = await worker.queue.receive(VISIBILITY)
            session_id = held.notification.session_id
            assert session_id not in in_hand
            in_hand.add(session_id)
            await worker.queue.extend(held.receipt_handle, VISIBILITY)
            answered[session_id].append(held.notification)
            in_hand.discard(session_id)
            await worker.queue.acknowledge(held.receipt_handle)
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
