"""VIBEWIRE_LOG_LEVEL: what `make run` prints of a turn, and how it refuses a level that does not exist."""

import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.integration.talk import send, start_session
from tests.server_process import ROOT, clean_environment, vibewire_process

TURN = [
    "claimed",
    "started",
    "iteration 1, vibecoder submitted a patch",
    "iteration 1, evaluator approved",
    "completed, version 2",
]


async def milestones_of_a_turn(data_dir: Path, model_url: str, **settings: str) -> tuple[list[str], str]:
    """The milestones that a server prints of one turn, and all that it prints."""
    with vibewire_process(data_dir, model_url, **settings) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=40) as http:
            session = await start_session(http)
            message = await send(http, session["session_id"], "Create a triage agent")
    line = rf"INFO \S+ Turn {message['message_id']} of session {session['session_id']}, attempt 1, \d+\.\d\d s: (.+)"
    return re.findall(line, server.output), server.output


async def test_a_turn_can_be_followed_in_the_terminal(tmp_path: Path, demo_model_url: str) -> None:
    milestones, output = await milestones_of_a_turn(tmp_path, demo_model_url, log_level="info")
    assert milestones == TURN
    assert "HTTP Request" not in output  # libraries log from warnings on


async def test_an_empty_level_is_the_default_and_logs_no_turn(tmp_path: Path, demo_model_url: str) -> None:
    milestones, output = await milestones_of_a_turn(tmp_path, demo_model_url, log_level="")
    assert milestones == []
    assert "INFO" not in output


def test_a_level_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    environment = {**clean_environment(), "VIBEWIRE_DATA_DIR": str(tmp_path), "VIBEWIRE_LOG_LEVEL": "LOUD"}
    command = [sys.executable, "-m", "backend.local.main"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        "Vibewire cannot start: VIBEWIRE_LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'\n"
    )
