"""What tests of every kind start from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.app.wiring_local import LocalEngine, build_local_engine
from tests.manual_time import ManualClock, SequentialIds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ids() -> SequentialIds:
    return SequentialIds()


@pytest.fixture(params=["local"])
async def engine(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, ids: SequentialIds
) -> AsyncIterator[LocalEngine]:
    """Every engine in turn, empty, on a clock and ids of the test's own."""
    assert request.param == "local"
    engine = build_local_engine(tmp_path, clock, ids)
    await engine.database.open()
    yield engine
    await engine.close()
