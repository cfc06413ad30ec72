"""A store that finds a message open, and has none to claim, makes no worker spin."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done, Requeue
from backend.app.domain.turns.ports import ClaimResult, TurnStore
from backend.app.wiring_local import LocalEngine
from tests.domain.scripted_agents import TurnFixture
from tests.faults.workers import WAIT_SECONDS, notification_of, open_race_fixture, worker_of


@pytest.fixture
async def fixture(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory", Draft("Done.", None))


class DisagreeingStore:
    """Says of so many claims that the message has ended."""

    def __init__(self, turns: TurnStore, refusals: int) -> None:
        self._turns = turns
        self._refusals = refusals
        self.looks = 0

    def __getattr__(self, method: str) -> Any:
        return getattr(self._turns, method)

    async def find_open_message(self, session_id: str) -> Message | None:
        self.looks += 1
        return await self._turns.find_open_message(session_id)

    async def claim_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[ClaimResult, Message | None]:
        if self._refusals:
            self._refusals -= 1
            return ClaimResult.NOT_OPEN, None
        return await self._turns.claim_turn(message_id, now, lease_until, max_attempts)


async def test_a_message_that_stays_open_and_cannot_be_claimed_is_requeued_after_two_looks(
    fixture: TurnFixture,
) -> None:
    message = await fixture.queue()
    store = DisagreeingStore(fixture.engine.turns, refusals=1_000_000)
    worker = worker_of(fixture, turns=cast(TurnStore, store))
    async with asyncio.timeout(WAIT_SECONDS):
        assert await worker.run_turn(notification_of(message), "receipt-handle") == Requeue(10)
    assert store.looks == 2


async def test_a_message_that_ended_between_look_and_claim_is_passed_over_at_once(fixture: TurnFixture) -> None:
    ended, following = await fixture.queue("One"), await fixture.queue("Two")

    class EndsOnce(DisagreeingStore):
        async def claim_turn(
            self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
        ) -> tuple[ClaimResult, Message | None]:
            if message_id == ended.message_id:
                await fixture.answer(ended)
            return await super().claim_turn(message_id, now, lease_until, max_attempts)

    worker = worker_of(
        fixture, Draft("Done too.", None), turns=cast(TurnStore, EndsOnce(fixture.engine.turns, refusals=0))
    )
    async with asyncio.timeout(WAIT_SECONDS):
        assert await worker.run_turn(notification_of(ended), "receipt-handle") == Done()
    assert (await fixture.find(following)).status is MessageStatus.COMPLETED
