"""An erasure that is interrupted goes on: after a failure, after a kill, and past what cannot be erased now."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from backend.app.adapters.local.session_store import LocalSessionStore
from backend.app.domain.errors import NotFoundError
from backend.app.domain.limits import Limits
from backend.app.domain.sessions.erasure_service import ErasureService
from backend.app.domain.sessions.memory import Memory, MemoryRef
from backend.app.domain.sessions.session import Session
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.settings import LocalSettings
from tests.manual_time import ManualClock, SequentialIds
from tests.races.gates import interrupted
from tests.races.leftovers import check_all_there, check_nothing_left
from tests.races.race_fixture import USER, RaceFixture, open_race_fixture

LONG_AFTER = 3600.0


class KilledError(BaseException):
    """Stands for kill -9: nothing catches it."""


async def _kill() -> None:
    raise KilledError


class BusyMemory:
    """A memory some of whose files cannot be removed, so many times."""

    def __init__(self, memory: Memory, sessions: set[str], times: int) -> None:
        self._memory, self._sessions, self._times = memory, sessions, times
        self.read_memory, self.append_turns, self.quarantine = (
            memory.read_memory,
            memory.append_turns,
            memory.quarantine,
        )

    async def erase_memory(self, ref: MemoryRef) -> None:
        if ref.session_id in self._sessions and self._times:
            self._times -= 1
            raise OSError(16, "Device or resource busy")
        await self._memory.erase_memory(ref)


def _erasure(engine: LocalEngine, memory: Memory) -> ErasureService:
    return ErasureService(engine.erasure, memory, engine.clock, Limits())


async def _deleted(fixture: RaceFixture, word: str, node_id: str | None = None) -> Session:
    session = await fixture.session(node_id)
    await fixture.ask(session, f"say {word}")
    await fixture.services.sessions.delete_session(USER, session.session_id)
    return session


async def _erase_all(erasure: ErasureService, clock: ManualClock) -> None:
    for _ in range(2):
        while await erasure.erase_deleted_sessions():
            pass
        clock.advance(LONG_AFTER)


async def _try(erasure: ErasureService) -> None:
    """One run, as the schedule makes it: whether it fails is its own affair."""
    with suppress(OSError):
        await erasure.erase_deleted_sessions()


async def test_an_erasure_that_failed_is_done_by_the_next_run(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    session = await _deleted(fixture, "quartz")
    erasure = _erasure(engine, BusyMemory(fixture.memory, {session.session_id}, 1))
    await _try(erasure)
    check_all_there(tmp_path, ["quartz"])
    await _erase_all(erasure, clock)
    check_nothing_left(tmp_path, ["quartz"])


async def test_a_session_that_cannot_be_erased_keeps_no_other_from_it(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    stuck = await _deleted(fixture, "quartz")
    clock.advance(1)
    await _deleted(fixture, "onyx", "assistant")
    erasure = _erasure(engine, BusyMemory(fixture.memory, {stuck.session_id}, 1000))
    for _ in range(3):
        await _try(erasure)
    check_nothing_left(tmp_path, ["onyx"])


async def test_sessions_that_cannot_be_erased_keep_no_other_from_it_however_many_they_are(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock
) -> None:
    fixture = await open_race_fixture(engine, tmp_path)
    stuck = {(await _deleted(fixture, "quartz", f"n{number}")).session_id for number in range(25)}
    clock.advance(1)
    await _deleted(fixture, "onyx", "assistant")
    erasure = _erasure(engine, BusyMemory(fixture.memory, stuck, 10_000))
    for _ in range(10):
        await _try(erasure)
    check_nothing_left(tmp_path, ["onyx"])


@pytest.mark.parametrize("at", ["erase_memory", "erase_records", "truncate_wal"])
@pytest.mark.parametrize("final", [False, True])
async def test_an_erasure_that_was_killed_goes_on_in_the_next_process(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock, ids: SequentialIds, at: str, final: bool
) -> None:
    fixture = await open_race_fixture(engine, tmp_path / "killed")
    session = await _deleted(fixture, "quartz")
    if final:
        clock.advance(LONG_AFTER)
    store = LocalSessionStore(interrupted(engine.database, at, _kill))
    killed = ErasureService(interrupted(store, at, _kill), interrupted(fixture.memory, at, _kill), clock, Limits())
    with pytest.raises(KilledError):
        await killed.erase_deleted_sessions()
    # What a killed process leaves is what lies there while it still has everything open.
    left = shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name}-left"))
    again = build_local_engine(left, clock, ids)
    await again.database.open()
    memory = SQLiteMemory(MemoryFiles(left / "killed" / "memory"))
    await _erase_all(_erasure(again, memory), clock)
    assert await again.sessions.find_session(session.session_id) is None
    check_nothing_left(left, ["quartz"])
    await again.database.close()


@pytest.mark.parametrize("at", ["delete_project", "list_sessions", "delete_session"])
async def test_the_deletion_of_a_project_that_was_killed_goes_on(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock, at: str
) -> None:
    """The user may delete it again; the sessions go with the project, this way or by the schedule."""
    fixture = await open_race_fixture(engine, tmp_path)
    for node_id, word in ((None, "quartz"), ("assistant", "onyx")):
        session = await fixture.session(node_id)
        await fixture.ask(session, f"say {word}")
    killed = replace(
        engine, sessions=interrupted(engine.sessions, at, _kill), projects=interrupted(engine.projects, at, _kill)
    )
    with pytest.raises(KilledError):
        await build_services(LocalSettings(data_dir=tmp_path), killed).projects.delete_project(USER, fixture.project_id)
    with suppress(NotFoundError):
        await fixture.services.projects.delete_project(USER, fixture.project_id)
    await fixture.services.sessions.delete_orphaned_sessions()
    await _erase_all(fixture.erasure, clock)
    check_nothing_left(tmp_path, ["quartz", "onyx"])
