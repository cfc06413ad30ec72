"""Many editors of one project at the same time: sessions, people, several workers on one file."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from backend.app.domain.errors import StaleVersionError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import TurnNotification
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.turn_service import TurnService
from backend.app.wiring_local import LocalEngine, build_local_engine
from tests.manual_time import ManualClock, SequentialIds
from tests.races.prompted_agents import line_of
from tests.races.race_fixture import CODE, USER, RaceFixture, check_patch, open_race_fixture, turn_service

DEADLINE_SECONDS = 30


@pytest.fixture
async def other_engine(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock, ids: SequentialIds
) -> AsyncIterator[LocalEngine]:
    """The engine as another process has it, on the same file at the same time."""
    other = build_local_engine(tmp_path, clock, ids)
    await other.database.open()
    yield other
    await other.database.close()


async def _edit_until_it_lands(fixture: RaceFixture, line: str) -> int:
    """Add the line by hand, again and again on top of what others did; how often that was refused."""
    refused = 0
    while True:
        version, code = await fixture.code()
        try:
            await fixture.services.projects.update_project(
                USER, fixture.project_id, code=code + line, base_version=version
            )
        except StaleVersionError:
            refused += 1
        else:
            return refused


async def test_of_parallel_edits_on_one_version_one_lands(engine: LocalEngine, tmp_path: Path) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    edits = [
        fixture.services.projects.update_project(USER, fixture.project_id, code=f"{CODE}edit_{n} = 1\n", base_version=1)
        for n in range(8)
    ]
    done = await asyncio.gather(*edits, return_exceptions=True)
    assert Counter(type(result).__name__ for result in done) == {"Project": 1, "StaleVersionError": 7}
    assert [version.version for version in await fixture.versions()] == [1, 2]


async def test_edits_that_start_again_all_land_and_none_is_lost(engine: LocalEngine, tmp_path: Path) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    lines = [f"edit_{number} = 1\n" for number in range(8)]
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(_edit_until_it_lands(fixture, line) for line in lines))
    assert len(await fixture.versions()) == 9
    assert sorted((await fixture.code())[1].removeprefix(CODE).splitlines(keepends=True)) == lines


@pytest.mark.parametrize("seed", range(3))
async def test_turns_of_many_sessions_and_edits_by_hand_lose_no_change(
    engine: LocalEngine, other_engine: LocalEngine, tmp_path: Path, seed: int
) -> None:
    """Two workers on one file, five sessions with three messages each, and a person; the parameter is the seed."""
    chance = random.Random(seed)
    fixture = await open_race_fixture(engine, tmp_path, queued_messages=20)
    workers = (fixture.calm, turn_service(other_engine, fixture.memory, fixture.agents, None, Limits()))
    sessions = [await fixture.session(node_id) for node_id in (None, "a", "b", "c", "d")]
    messages = [
        await fixture.send(session, f"{chance.choice(['add', 'top', 'say'])} s{number} m{turn}")
        for turn in range(3)
        for number, session in enumerate(sessions)
    ]
    by_hand = [f"by_hand_{number} = 1\n" for number in range(4)]
    # Enqueued twice each, in any order: only the store knows what is due.
    deliveries = chance.sample(messages * 2, len(messages) * 2)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(
            *(_enqueue(message, chance.choice(workers)) for message in deliveries),
            *(_edit_until_it_lands(fixture, line) for line in by_hand),
        )
    for message in messages:
        await fixture.answer(message)
    ended = [await fixture.find(message) for message in messages]
    await _check_all(fixture, sessions, ended, by_hand)


async def _enqueue(message: Message, worker: TurnService) -> None:
    """Deliver one notification; one to be requeued is delivered at the end."""
    await worker.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")


async def _check_all(fixture: RaceFixture, sessions: list[Session], ended: list[Message], by_hand: list[str]) -> None:
    lines = Counter(by_hand)
    for message in ended:
        if message.status is MessageStatus.COMPLETED:
            await check_patch(fixture, message)
            if not message.prompt.startswith("say"):
                lines[line_of(message.prompt)] += 1
        else:
            assert message.error is not None
            assert (message.status, message.error.code) == (MessageStatus.FAILED, "conflict")
    versions = await fixture.versions()
    assert len(versions) == 1 + lines.total()
    found = [Counter(version.code.splitlines(keepends=True)) for version in versions]
    assert all(older < newer for older, newer in pairwise(found))
    assert found[-1] - found[0] == lines
    for session in sessions:
        started = [event.message_id for event in await fixture.events(session) if event.type == "message_started"]
        assert started == [message.message_id for message in ended if message.session_id == session.session_id]
