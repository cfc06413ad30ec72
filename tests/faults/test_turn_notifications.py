"""Notifications are lost, doubled and reversed; each message is answered once all the same, and in order."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.turns.agent_port import Draft
from backend.app.wiring_local import LocalEngine
from backend.local.storage_gate import StorageGate
from backend.local.worker import LocalWorker
from tests.domain.scripted_agents import USAGE, TurnFixture
from tests.faults.workers import LEASE_SECONDS, notification_of, open_race_fixture, queued_notifications, until

MESSAGES = 4
ALL = range(MESSAGES)
ORDERS: dict[str, Sequence[int]] = {
    "in order": ALL,
    "doubled": [0, 0, 1, 1, 2, 2, 3, 3],
    "delivered again later": [*ALL, *ALL],
    "reversed": [3, 2, 1, 0],
    "the first lost": [1, 2, 3],
    "the last lost, another doubled": [0, 1, 2, 2],
    "all but the last lost": [3],
    "ten of each, shuffled": random.Random(7).sample([*ALL] * 10, 40),
}


@pytest.fixture
async def fixture(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory", *(Draft(f"Answer {number}", None) for number in ALL))


@asynccontextmanager
async def working(fixture: TurnFixture) -> AsyncIterator[None]:
    """A local worker that handles every notification."""
    gate = StorageGate(fixture.engine.database)
    worker = LocalWorker(fixture.service, fixture.engine.queue, gate, parallel=4, visibility_seconds=LEASE_SECONDS)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def check_answered_in_order(fixture: TurnFixture, messages: Sequence[Message]) -> None:
    assert [brief.prompt for brief in fixture.agents.briefs] == [message.prompt for message in messages]
    for number, message in enumerate(messages):
        found = await fixture.find(message)
        assert (found.status, found.content) == (MessageStatus.COMPLETED, f"Answer {number}")
        assert (found.attempt, found.token_usage) == (1, USAGE)
    said = [item["content"] for item in (await fixture.remembered())[1]]
    assert said == [text for number in ALL for text in (f"Question {number}", f"Answer {number}")]


@pytest.mark.parametrize("order", ORDERS)
async def test_each_message_is_answered_once_and_in_order_however_notifications_arrive(
    fixture: TurnFixture, order: str
) -> None:
    messages = [await fixture.queue(f"Question {number}") for number in ALL]
    for number in ORDERS[order]:
        await fixture.engine.queue.enqueue(notification_of(messages[number]))

    async def no_bell_is_left() -> bool:
        return await queued_notifications(fixture.engine) == []

    async with working(fixture):
        await until(no_bell_is_left)
    await check_answered_in_order(fixture, messages)
