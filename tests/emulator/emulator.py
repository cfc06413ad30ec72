"""A function's built artifact in the Lambda runtime interface emulator: a process, no container."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / ".aws-sam" / "artifacts"
_EMULATOR = ".venv-sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"
_DEADLINE_SECONDS = 60.0
# Below those that systems give to outgoing connections: one of these could take the port before the emulator has it,
# even the very connection that waits for it to listen.
_PORTS = range(20_000, 32_000)
_INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)")
# What the runtime in the cloud sets; the marshaller of answers looks at the first.
_RUNTIME_VARIABLES = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


class FunctionDiedError(Exception):
    """The runtime's process ended, could not start or took too long; the text is what the emulator said."""


def find_emulator() -> Path:
    """The emulator's binary, which the SAM command line carries."""
    found = sorted(ROOT.glob(_EMULATOR))
    assert found, "no emulator: `make .venv-sam/.sam` installs the SAM command line, which carries it"
    return found[-1]


@dataclass
class Output:
    """What a process printed so far; `lines` may still grow."""

    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, line: str) -> None:
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, start: int = 0) -> re.Match[str]:
        """The first match from line number `start` on."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        with self.changed:
            while not (found := re.search(pattern, "".join(self.lines[start:]))):
                assert self.changed.wait(deadline - time.monotonic()), f"no {pattern} in:\n{self.text}"
        return found


class EmulatedFunction:
    """One sandbox of one function. Ends with the `with` block. One invocation at a time, as in the cloud.

    Args:
        module: the function's module, `get_session`.
        interpreter: Python 3.13.
        client: a folder with the runtime's client (awslambdaric) for it.
        folder: a place for the emulator itself.
        environment: the function's variables.
        timeout: the function's, in seconds.
        artifact: another folder than that of the built artifact.
    """

    def __init__(
        self,
        module: str,
        interpreter: str,
        client: Path,
        folder: Path,
        environment: dict[str, str],
        timeout: int = 30,
        artifact: Path | None = None,
    ) -> None:
        self._handler = f"functions.{module}.handler"
        logical_id = "".join(part.capitalize() for part in module.split("_")) + "Function"
        self._artifact = artifact or ARTIFACTS / logical_id
        assert self._artifact.is_dir(), f"{self._artifact} is not there: `make artifacts` builds it"
        self._interpreter = interpreter
        self._emulator = folder / "aws-lambda-rie"
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(client),
            **_RUNTIME_VARIABLES,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            "AWS_LAMBDA_FUNCTION_NAME": module,
            **environment,
        }
        self._lock = threading.Lock()
        self.output = Output()

    def __enter__(self) -> Self:
        if not self._emulator.exists():
            shutil.copy(find_emulator(), self._emulator)
            self._emulator.chmod(0o755)
        port, runtime_port = _free_port(), _free_port()
        command = [str(self._emulator), "--log-level", "info"]
        command += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
        command += [self._interpreter, "-m", "awslambdaric", self._handler]
        self._process = subprocess.Popen(
            command,
            cwd=self._artifact,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        _wait_for_port(port, self._process)
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(10)

    def invoke(self, event: dict[str, Any]) -> Any:
        """What the handler returned. Raises FunctionDiedError where it did not get that far."""
        with self._lock:
            try:
                answer = httpx.post(self._url, json=event, timeout=_DEADLINE_SECONDS)
            except httpx.HTTPError as error:
                raise FunctionDiedError(f"{error}\n{self.output.text[-4000:]}") from error
        text = answer.text
        if answer.status_code != 200:
            raise FunctionDiedError(f"{text}\n{self.output.text[-4000:]}")
        try:
            return json.loads(text)
        except ValueError:
            raise FunctionDiedError(text) from None

    @property
    def cold_start_ms(self) -> float:
        """How long the runtime took from its start until the handler was ready."""
        return float(self.output.wait_for(_INIT_REPORT.pattern)[1])

    def runtime_pid(self) -> int:
        """The process that runs the handler."""
        found = _children(self._process.pid)
        assert len(found) == 1, found
        return found[0]

    def logged(self) -> list[dict[str, Any]]:
        """The structured lines that the function printed."""
        return [json.loads(line) for line in list(self.output.lines) if line.startswith("{")]

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                self.output.add(line)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] or [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def _free_port() -> int:
    while True:
        try:
            with socket.create_server(("127.0.0.1", random.choice(_PORTS))) as found:
                port: int = found.getsockname()[1]
                return port
        except OSError:
            continue


def _wait_for_port(port: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError("the emulator did not start")
