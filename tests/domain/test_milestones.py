"""The milestones of a turn in the log: in order, with its ids and the time since the claim, and without its texts."""

import logging
import re
from pathlib import Path

import pytest

from backend.app.domain.errors import TurnError
from backend.app.domain.limits import Limits
from backend.app.domain.turns.agent_port import Draft, Review
from backend.app.domain.turns.outcome import Requeue
from backend.app.wiring_local import LocalEngine
from tests.domain.scripted_agents import CODE, Step, open_turn_fixture

PATCH = Draft("I added onyx.", CODE + 'onyx = Agent(name="Onyx")\n')
APPROVED = Review(approved=True, reasoning="Good onyx.", commit_message="Add onyx")
REJECTED = Review(approved=False, reasoning="Thin onyx.", commit_message="")
PASSING = TurnError("model_unavailable", "503", retryable=True)
FINAL = TurnError("model_refused", "401", retryable=False)
LOGGER = "backend.app.domain.turns.milestones"
LINE = re.compile(r"Turn (\S+) of session (\S+), attempt 1, \d+\.\d\d s: (.+)")


@pytest.mark.parametrize(
    ("steps", "milestones"),
    [
        ([Draft("Yes, onyx.", None)], ["iteration 1, vibecoder answered", "completed"]),
        (
            [PATCH, REJECTED, PATCH, APPROVED],
            [
                "iteration 1, vibecoder submitted a patch",
                "iteration 1, evaluator rejected",
                "iteration 2, vibecoder submitted a patch",
                "iteration 2, evaluator approved",
                "completed, version 2",
            ],
        ),
        ([FINAL], ["failed, model_refused"]),
        ([PASSING], ["requeued, in 7 s"]),
    ],
    ids=["answer", "patch", "failure", "retry"],
)
async def test_a_turn_logs_its_milestones_in_order(
    engine: LocalEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture, steps: list[Step], milestones: list[str]
) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
    limits = Limits.model_validate({"retry_delay_seconds": 7})
    fixture = await open_turn_fixture(engine, tmp_path / "memory", steps, limits, None)
    message = await fixture.queue()
    outcome = await fixture.answer(message)
    assert isinstance(outcome, Requeue) is milestones[-1].startswith("requeued")
    records = [record for record in caplog.records if record.name == LOGGER]
    found = [LINE.fullmatch(record.getMessage()) for record in records]
    assert [one[3] for one in found if one] == ["claimed", "started", *milestones]
    ids = (message.message_id, message.session_id)
    assert {(one[1], one[2]) for one in found if one} == {ids}
    assert {(vars(one)["message_id"], vars(one)["session_id"], vars(one)["attempt"]) for one in records} == {(*ids, 1)}
    assert "onyx" not in caplog.text.lower()
