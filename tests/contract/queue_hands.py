"""Hands for the suites of the turn queue: ring, receive and answer with a deadline."""

import asyncio

from backend.app.adapters.local.turn_queue import ReceivedDoorbell
from backend.app.domain.ports import Doorbell
from tests.contract.engines import TestedEngine

VISIBILITY = 30.0
DEADLINE = 10.0


def doorbells(engine: TestedEngine, count: int) -> list[Doorbell]:
    """So many doorbells of a new session."""
    session_id = engine.ids.new_id()
    return [Doorbell(session_id, engine.ids.new_id()) for _ in range(count)]


async def receive(engine: TestedEngine) -> ReceivedDoorbell:
    async with asyncio.timeout(DEADLINE):
        return await engine.queue.receive(VISIBILITY)


async def receive_and_answer(engine: TestedEngine) -> Doorbell:
    received = await receive(engine)
    await engine.queue.acknowledge(received.receipt)
    return received.doorbell


async def receive_all(engine: TestedEngine, visibility_seconds: float) -> list[ReceivedDoorbell]:
    """All doorbells that can be received now, each hidden for so long."""
    (last,) = doorbells(engine, 1)
    await engine.queue.ring(last)
    received: list[ReceivedDoorbell] = []
    async with asyncio.timeout(DEADLINE):
        while True:
            held = await engine.queue.receive(visibility_seconds)
            if held.doorbell == last:
                await engine.queue.acknowledge(held.receipt)
                return received
            received.append(held)


async def expect_hidden(engine: TestedEngine) -> None:
    """Whatever was rung before is hidden: a doorbell of a new session is the next one."""
    (of_another,) = doorbells(engine, 1)
    await engine.queue.ring(of_another)
    assert await receive_and_answer(engine) == of_another
