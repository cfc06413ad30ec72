"""A command that runs as in a terminal: its output is read line by line, and Ctrl-C reaches all of its processes."""

import os
import queue
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress

_WAIT_SECONDS = 60.0
_END_SECONDS = 30.0


class Terminal:
    """Reads a process's output in a thread; the process must lead a process group of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._printed: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """All that was printed so far."""
        return "".join(self._printed)

    @property
    def returncode(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def wait_for(self, wanted: re.Pattern[str], seconds: float = _WAIT_SECONDS) -> re.Match[str]:
        """The first match in what is printed, from now or before. Raises AssertionError after so many seconds."""
        deadline = time.monotonic() + seconds
        while (found := wanted.search(self.output)) is None:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{wanted.pattern} was not printed in {seconds:g} s:\n{self.output}") from None
            assert line is not None, f"It ended without printing {wanted.pattern}:\n{self.output}"
        return found

    def press_ctrl_c(self) -> None:
        """Send SIGINT to the process group, as a terminal does, and wait for the end. Safe to repeat."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=_END_SECONDS)
            raise AssertionError(f"Ctrl-C did not end it:\n{self.output}") from None
        finally:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
            self._reader.join(timeout=_END_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError):  # closed while it was read
            for line in self._process.stdout:
                self._printed.append(line)
                self._lines.put(line)
        self._lines.put(None)
