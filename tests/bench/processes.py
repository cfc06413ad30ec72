"""The processes of a measurement: on which core they run, what CPU they used, and talking to them in lines of JSON."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.server_process import ROOT

_CORES = sorted(os.sched_getaffinity(0))
# What is measured has a core to itself; model and clients share another, where there is one.
MEASURED_CORE, OTHER_CORE = _CORES[0], _CORES[-1]
_STOP_SECONDS = 10.0
# Linux makes a process's CPU clock of its id so (clock_getcpuclockid): the utime + stime of all its threads, finely.
_CPU_CLOCK = 2


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Processes started inside the block run on the core, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_ms(pid: int) -> float:
    """The CPU time that all threads of a process have used, in milliseconds."""
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK) * 1000


class JsonProcess:
    """A Python process that answers each line of JSON with one. Ends with the `async with` block."""

    def __init__(self, module: str, *arguments: str, core: int) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._core = core

    async def __aenter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        with on_core(self._core):
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(command).encode() + b"\n")
        line = await stdout.readline()
        if not line:
            raise RuntimeError(f"{self._command[2]} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
