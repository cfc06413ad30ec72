"""What every CompletionWaiter owes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from backend.app.domain.messages.message import TurnRef
from backend.app.domain.messages.ports import CompletionWaiter
from shared.events import EndingEvent
from tests.contract.builders import cancel, claimed_turn, complete, current_message, draft_message, fail, stored_session
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import iteration_event

End = Callable[[TestedEngine, TurnRef], Awaitable[EndingEvent]]
_LONG = 600.0
# Sooner than any adapter looks again by itself: who is back by then was woken.
_AT_ONCE = 0.8


async def _cancel_released(engine: TestedEngine, turn: TurnRef) -> EndingEvent:
    await engine.turns.release_lease(turn, engine.clock.now())
    _, event = await cancel(engine, turn)
    assert event is not None
    return event


ENDS: dict[str, End] = {"completed": complete, "failed": fail, "cancelled": _cancel_released}


def _watch(engine: TestedEngine) -> CompletionWaiter:
    return engine.completion_waiter


async def _start_waiting(engine: TestedEngine, turn: TurnRef, count: int = 1) -> list[asyncio.Task[None]]:
    message = await current_message(engine, turn)
    waiting = [asyncio.create_task(_watch(engine).wait_for_completion(message, _LONG)) for _ in range(count)]
    await asyncio.wait(waiting, timeout=0.01)  # lets them begin; they need nothing but the loop for it
    assert not any(task.done() for task in waiting)
    return waiting


@pytest.mark.parametrize("end", ENDS)
async def test_who_waits_is_woken_by_every_kind_of_end(engine: TestedEngine, end: str) -> None:
    turn = await claimed_turn(engine)
    (waiting,) = await _start_waiting(engine, turn)
    await engine.bus.publish(await ENDS[end](engine, turn))
    async with asyncio.timeout(_AT_ONCE):
        await waiting
    assert not (await current_message(engine, turn)).status.is_open


async def test_all_who_wait_for_a_message_are_woken(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    waiting = await _start_waiting(engine, turn, 8)
    await engine.bus.publish(await complete(engine, turn))
    async with asyncio.timeout(_AT_ONCE):
        await asyncio.gather(*waiting)


async def test_those_who_wait_for_others_are_not_woken(engine: TestedEngine) -> None:
    turn, other = await claimed_turn(engine), await claimed_turn(engine)
    (waiting,) = await _start_waiting(engine, turn)
    (waiting_for_other,) = await _start_waiting(engine, other)
    await engine.bus.publish(iteration_event(engine, other))
    await engine.bus.publish(await complete(engine, turn))
    async with asyncio.timeout(_AT_ONCE):
        await waiting
    assert not waiting_for_other.done()
    await engine.bus.publish(await complete(engine, other))
    async with asyncio.timeout(_AT_ONCE):
        await waiting_for_other


@pytest.mark.parametrize("timeout", [0.0, 0.01])
async def test_who_waits_is_let_go_after_the_timeout(engine: TestedEngine, timeout: float) -> None:
    turn = await claimed_turn(engine)
    message = await current_message(engine, turn)
    async with asyncio.timeout(_AT_ONCE):
        await _watch(engine).wait_for_completion(message, timeout)
    assert (await current_message(engine, turn)).status.is_open


async def test_an_unknown_message_can_be_waited_for(engine: TestedEngine) -> None:
    unknown = draft_message(engine, await stored_session(engine))
    async with asyncio.timeout(_AT_ONCE):
        await _watch(engine).wait_for_completion(unknown, 0.01)


async def test_who_stops_waiting_leaves_the_others_waiting(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    leaving, staying = await _start_waiting(engine, turn, 2)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    assert not staying.done()
    await engine.bus.publish(await complete(engine, turn))
    async with asyncio.timeout(_AT_ONCE):
        await staying


async def test_an_end_in_another_process_is_noticed_before_long(
    engine: TestedEngine, other_engine: TestedEngine
) -> None:
    turn = await claimed_turn(engine)
    (waiting,) = await _start_waiting(engine, turn)
    await complete(other_engine, turn)
    async with asyncio.timeout(5):
        await waiting
    assert not (await current_message(engine, turn)).status.is_open
