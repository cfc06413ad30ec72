"""A fixture with a project, a session and scripted agents."""

from pathlib import Path

import pytest

from backend.app.domain.limits import Limits
from backend.app.wiring_local import LocalEngine
from tests.domain.scripted_agents import Step, TurnFixture, open_turn_fixture
from tests.domain.turn_scripts import OpenTurnFixture


@pytest.fixture
def open_fixture(engine: LocalEngine, tmp_path: Path) -> OpenTurnFixture:
    async def open_it(*steps: Step, node_id: str | None = None, **limits: float) -> TurnFixture:
        quick = Limits.model_validate({"cancel_check_seconds": 0.01, **limits})
        return await open_turn_fixture(engine, tmp_path / "memory", list(steps), quick, node_id)

    return open_it
