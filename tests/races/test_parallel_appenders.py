"""Concurrent appends to event logs: `seq` is 1, 2, 3 ... without gaps, for every reader at every time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from backend.app.domain.messages.message import TurnRef
from backend.app.wiring_local import LocalEngine, build_local_engine
from shared.events import LoggedEvent
from tests.contract.builders import claimed_turn, stored_project, stored_session
from tests.contract.event_builders import iteration_event
from tests.manual_time import ManualClock, SequentialIds

APPENDERS = 8
EVENTS = 25
DEADLINE_SECONDS = 30


@pytest.fixture
async def processes(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock, ids: SequentialIds
) -> AsyncIterator[tuple[LocalEngine, LocalEngine]]:
    """The engine twice, as two processes have it on one file."""
    other = build_local_engine(tmp_path, clock, ids)
    await other.database.open()
    yield engine, other
    await other.database.close()


async def _append(engine: LocalEngine, turn: TurnRef, name: str) -> list[LoggedEvent]:
    """Log some events, one after another."""
    return [
        await engine.turns.append_event(turn, iteration_event(engine, turn, f"{name} {number}"))
        for number in range(EVENTS)
    ]


async def _read_until(engine: LocalEngine, turn: TurnRef, last_seq: int) -> None:
    """Read the log, again and again, until it has so many events: every read is without gaps."""
    seen = 0
    while seen < last_seq:
        page = await engine.events.read_events(turn.project_id, turn.session_id, seen, 1000)
        assert page is not None
        assert [event.seq for event in page.events] == list(range(seen + 1, seen + len(page.events) + 1))
        assert page.last_seq == seen + len(page.events)
        seen = page.last_seq


async def _log_of(engine: LocalEngine, turn: TurnRef) -> Sequence[LoggedEvent]:
    page = await engine.events.read_events(turn.project_id, turn.session_id, 0, 1000)
    assert page is not None
    return page.events


async def test_eight_appenders_to_one_log_leave_no_gaps(processes: tuple[LocalEngine, LocalEngine]) -> None:
    turn = await claimed_turn(processes[0])
    async with asyncio.timeout(DEADLINE_SECONDS):
        *appended, _, _ = await asyncio.gather(
            *(_append(processes[n % 2], turn, f"appender {n}") for n in range(APPENDERS)),
            *(_read_until(process, turn, APPENDERS * EVENTS) for process in processes),
        )
    log = await _log_of(processes[0], turn)
    assert [event.seq for event in log] == list(range(1, APPENDERS * EVENTS + 1))
    by_seq = {event.seq: event for event in log}
    for events in appended:
        assert events is not None
        # Each appender knows where its events are, and they are in its order.
        assert [by_seq[event.seq] for event in events] == events
        assert [event.seq for event in events] == sorted(event.seq for event in events)


async def test_eight_appenders_to_a_log_each_number_them_apart(processes: tuple[LocalEngine, LocalEngine]) -> None:
    project = await stored_project(processes[0])
    sessions = [await stored_session(processes[0], project, node_id=f"n{number}") for number in range(APPENDERS)]
    turns = [await claimed_turn(processes[0], session) for session in sessions]
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(
            *(_append(processes[n % 2], turn, f"appender {n}") for n, turn in enumerate(turns)),
            *(_read_until(processes[1], turn, EVENTS) for turn in turns),
        )
    for number, turn in enumerate(turns):
        log = await _log_of(processes[0], turn)
        assert [event.seq for event in log] == list(range(1, EVENTS + 1))
        assert [event.model_dump()["content"] for event in log] == [f"appender {number} {n}" for n in range(EVENTS)]
    last_seqs = await processes[0].events.read_last_seqs(project.project_id)
    assert last_seqs == {session.session_id: EVENTS for session in sessions}
