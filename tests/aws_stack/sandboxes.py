"""Lambda's part: sandboxes that are started on demand, reused, and stopped at the timeout."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.server_process import ROOT

Json = dict[str, Any]


class SandboxDiedError(Exception):
    """The function's process ended without an answer: it crashed, was killed, or took too long."""


class Sandbox:
    """One process of one function. Answers one event at a time."""

    def __init__(self, module: str, environment: dict[str, str], log: Path) -> None:
        self.module = module
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.aws_stack.sandbox", module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def invoke(self, event: Json, timeout: float) -> Json:
        """The handler's answer. Raises SandboxDiedError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(timeout, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps({"event": event, "timeout": timeout}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line:
            self.end()
            raise SandboxDiedError(self.module)
        answer: Json = json.loads(line)
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # what was on its way to a process that died


class Lambda:
    """All functions: each has as many sandboxes as it has events at the same time."""

    def __init__(self, environments: dict[str, dict[str, str]], folder: Path) -> None:
        self._environments = environments
        self.log = folder / "functions.log"
        self._free: defaultdict[str, list[Sandbox]] = defaultdict(list)
        self._busy: defaultdict[str, list[Sandbox]] = defaultdict(list)
        self._lock = threading.Lock()

    def invoke(self, module: str, event: Json, timeout: float = 60) -> Json:
        """What the function returned. Raises SandboxDiedError."""
        sandbox = self._take(module)
        try:
            answer = sandbox.invoke(event, timeout)
        except SandboxDiedError:
            with self._lock:
                self._busy[module].remove(sandbox)
            raise
        with self._lock:
            self._busy[module].remove(sandbox)
            self._free[module].append(sandbox)
        if "answer" not in answer:
            raise AssertionError(f"{module} raised {answer}")
        result: Json = answer["answer"]
        return result

    def busy_pids(self, module: str) -> list[int]:
        """The processes that are at an event of the function just now."""
        with self._lock:
            return [sandbox.pid for sandbox in self._busy[module]]

    def end(self) -> None:
        for sandboxes in (*self._free.values(), *self._busy.values()):
            for sandbox in sandboxes:
                sandbox.end()

    def _take(self, module: str) -> Sandbox:
        with self._lock:
            free = self._free[module]
            sandbox = free.pop() if free else Sandbox(module, self._environment_of(module), self.log)
            self._busy[module].append(sandbox)
            return sandbox

    def _environment_of(self, module: str) -> dict[str, str]:
        unwanted = ("VIBEWIRE_", "OPENAI_", "AWS_", "POWERTOOLS_", "PYTHONDONTWRITEBYTECODE")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        return {**clean, **self._environments[module]}


def scratch_folder() -> Path:
    """A folder for logs and memories of a stack."""
    return Path(tempfile.mkdtemp(prefix="vibewire-stack-"))
