"""`make run`, `make watch` and `make chat`, typed in three terminals of a checkout, on a port that is free."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server_process import ROOT
from tests.targets.terminal import Terminal

pytestmark = pytest.mark.targets

# Installing what is missing and building the console are part of the first `make run`.
_FIRST_START_SECONDS = 300.0


@contextmanager
def typed(target: str, folder: Path, **settings: str) -> Iterator[Terminal]:
    """`make TARGET` in a process group of its own, as a terminal's foreground job is; ended with the block."""
    unwanted = ("VIBEWIRE_", "OPENAI_", "MAKE", "MFLAGS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    process = subprocess.Popen(
        # A shell has its background jobs ignore Ctrl-C, and all that they start inherits that: here as in a terminal.
        ["env", "--default-signal=INT", "make", "--no-print-directory", target],
        cwd=ROOT,
        env={**clean, "VIBEWIRE_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1", **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    terminal = Terminal(process)
    try:
        yield terminal
    finally:
        terminal.press_ctrl_c()


def test_what_is_said_in_make_chat_is_seen_in_make_watch(tmp_path: Path) -> None:
    with typed("run", tmp_path, VIBEWIRE_PORT="0") as server:
        port = server.wait_for(re.compile(r"listening on http://127\.0\.0\.1:(\d+)"), _FIRST_START_SECONDS)[1]
        with typed("watch", tmp_path, VIBEWIRE_PORT=port) as watch:
            watch.wait_for(re.compile(rf"Watching http://127\.0\.0\.1:{port}"))
            with typed("chat", tmp_path, VIBEWIRE_PORT=port) as chat:
                chat.type("Create a triage agent")
                watch.wait_for(re.compile(r"vibecode_response"))
                chat.wait_for(re.compile(r"triage_agent = Agent\("))
        server.press_ctrl_c()
        assert server.returncode in (0, 130, -signal.SIGINT, 2), server.output
        assert "Traceback" not in server.output
