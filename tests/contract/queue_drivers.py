"""Drivers for the suites of the turn queue: enqueue, receive and acknowledge with a deadline."""

import asyncio

from backend.app.adapters.local.turn_queue import ReceivedNotification
from backend.app.domain.ports import TurnNotification
from tests.contract.engines import TestedEngine

VISIBILITY = 30.0
DEADLINE = 10.0


def notifications(engine: TestedEngine, count: int) -> list[TurnNotification]:
    """So many notifications of a new session."""
    session_id = engine.ids.new_id()
    return [TurnNotification(session_id, engine.ids.new_id()) for _ in range(count)]


async def receive(engine: TestedEngine) -> ReceivedNotification:
    async with asyncio.timeout(DEADLINE):
        return await engine.queue.receive(VISIBILITY)


async def receive_and_answer(engine: TestedEngine) -> TurnNotification:
    received = await receive(engine)
    await engine.queue.acknowledge(received.receipt_handle)
    return received.notification


async def receive_all(engine: TestedEngine, visibility_seconds: float) -> list[ReceivedNotification]:
    """All notifications that can be received now, each hidden for so long."""
    (last,) = notifications(engine, 1)
    await engine.queue.enqueue(last)
    received: list[ReceivedNotification] = []
    async with asyncio.timeout(DEADLINE):
        while True:
            held = await engine.queue.receive(visibility_seconds)
            if held.notification == last:
                await engine.queue.acknowledge(held.receipt_handle)
                return received
            received.append(held)


async def expect_hidden(engine: TestedEngine) -> None:
    """All earlier notifications are hidden: one of a new session is received next."""
    (of_another,) = notifications(engine, 1)
    await engine.queue.enqueue(of_another)
    assert await receive_and_answer(engine) == of_another
