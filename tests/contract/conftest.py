"""A second look at the data of the engine under test: after a restart, and from another process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from backend.app.wiring import LocalEngine, build_local_engine
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
