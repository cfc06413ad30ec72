"""A terminal of a test's own, with a hand on its keyboard: tmux."""

import asyncio
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.server_process import ROOT
from tests.watcher import WAIT_SECONDS

_LINES = 40
_COLUMNS = 110
_ENDED = "The program ended with"
# Says itself how the program ended and keeps the screen: tmux's own line about a dead pane is late, or does not come at
# all, when the output ends before tmux notices the exit. Ctrl-C is the program's, whatever the runner ignores.
_RUN = f"""trap : INT; env --default-signal=INT "$@"; echo "{_ENDED} $?"; exec sleep 600"""


class Terminal:
    """A program in a terminal. What a hand does with it: type, press keys, look at the screen."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def type(self, text: str) -> None:
        """Type text, as it is."""
        self._tmux("send-keys", "-t", "hand", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, C-c, C-d."""
        self._tmux("send-keys", "-t", "hand", *keys)

    def screen(self) -> str:
        """What stands on the screen, and what was scrolled out of it."""
        return self._tmux("capture-pane", "-t", "hand", "-p", "-J", "-S", "-500")

    async def until_ended(self, code: int) -> str:
        """Wait until the program has ended with an exit code: the screen."""
        return await self.until(f"{_ENDED} {code}\n")

    async def until(self, words: str) -> str:
        """Look at the screen until the words are there: the screen."""
        seen = ""
        try:
            async with asyncio.timeout(WAIT_SECONDS * 2):
                while words not in (seen := await asyncio.to_thread(self.screen)):  # noqa: ASYNC110 - a screen has no events
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{words!r} did not come:\n{seen}") from None
        return seen

    def _tmux(self, *arguments: str) -> str:
        return _tmux(self._socket, *arguments)


@contextmanager
def terminal(module: str, *arguments: str, **environment: str) -> Iterator[Terminal]:
    """A module in a terminal, which says how it ended once it has; skips the test where there is no tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux (apt-get install tmux): the terminal is not tested by hand")
    socket = f"vibewire-test-{uuid.uuid4().hex[:8]}"
    settings = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
    size = ("-x", str(_COLUMNS), "-y", str(_LINES))
    session = ("-f", "/dev/null", "new-session", "-d", "-s", "hand", *size, "-c", str(ROOT), *settings)
    _tmux(socket, *session, "sh", "-c", _RUN, "sh", sys.executable, "-m", module, *arguments)
    try:
        yield Terminal(socket)
    finally:
        subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True, check=False)


def _tmux(socket: str, *arguments: str) -> str:
    done = subprocess.run(["tmux", "-L", socket, *arguments], capture_output=True, text=True, check=True)
    return done.stdout
