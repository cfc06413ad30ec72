"""A second look at the data of the engine under test (after a restart, from another process); and a memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from backend.app.domain.ports import Memory, MemoryRef
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring_local import LocalEngine, build_local_engine
from tests.contract.memories import ref_of
from tests.manual_time import ManualClock, SequentialIds

Reopen = Callable[[], Awaitable[LocalEngine]]


@pytest.fixture
async def reopen(engine: LocalEngine, tmp_path: Path, clock: ManualClock, ids: SequentialIds) -> AsyncIterator[Reopen]:
    """Stops the engine and starts a new one on the same data."""
    opened: list[LocalEngine] = []

    async def again() -> LocalEngine:
        await engine.database.close()
        opened.append(build_local_engine(tmp_path, clock, ids))
        await opened[-1].database.open()
        return opened[-1]

    yield again
    for each in opened:
        await each.database.close()


@pytest.fixture
async def other_engine(
    engine: LocalEngine, tmp_path: Path, clock: ManualClock, ids: SequentialIds
) -> AsyncIterator[LocalEngine]:
    """The engine as another process has it, on the same data at the same time."""
    other = build_local_engine(tmp_path, clock, ids)
    await other.database.open()
    yield other
    await other.database.close()


@pytest.fixture
def files(tmp_path: Path) -> MemoryFiles:
    return MemoryFiles(tmp_path / "memories")


@pytest.fixture
def memory(files: MemoryFiles) -> Memory:
    """The Memory that all engines share; other hosts on the same files are further instances of it."""
    return SQLiteMemory(files)


@pytest.fixture
def ref(ids: SequentialIds) -> MemoryRef:
    return ref_of(ids)
