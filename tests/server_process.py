"""Real servers for tests: Vibewire and the model server, each as a process of its own."""

import os
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[1]
_START_SECONDS = 30.0


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of Vibewire or the model's server."""
    # With bytecode kept, each start after the first takes half the time.
    unwanted = ("VIBEWIRE_", "OPENAI_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


class ServerProcess:
    """A server process that prints its URL once it listens. Ends with the `with` block; `output` is all it printed."""

    def __init__(self, module: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**clean_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._printed: list[str] = []
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self.url = ""

    def __enter__(self) -> Self:
        while not self.url:
            try:
                line = self._lines.get(timeout=_START_SECONDS)
            except queue.Empty:
                self.stop()
                raise AssertionError(f"The server did not start: {self.output}") from None
            if found := re.search(r"http://127\.0\.0\.1:\d+(/v1)?", line):
                self.url = found[0]
            elif line == "":
                raise AssertionError(f"The server ended at its start: {self.output}")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def output(self) -> str:
        return "".join(self._printed)

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """Ask the process to end in good order, and wait until it has."""
        self._process.terminate()
        return self._wait()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._wait()

    def wait(self) -> int:
        """Wait until the process ends by itself."""
        return self._wait()

    def _wait(self) -> int:
        code = self._process.wait(timeout=20)
        self._reader.join(timeout=20)
        return code

    def _read(self, stdout: IO[str]) -> None:
        with stdout:
            for line in stdout:
                self._printed.append(line)
                self._lines.put(line)
        self._lines.put("")


def model_process() -> ServerProcess:
    """The model server without pauses; its `url` ends in /v1."""
    return ServerProcess("tests.model_server", "--port", "0")


def _variable(setting: str) -> str:
    return setting.upper() if setting.startswith("openai_") else f"VIBEWIRE_{setting.upper()}"


def vibewire_process(data_dir: Path, model_url: str, **settings: str) -> ServerProcess:
    """Vibewire on a data folder and a model's server; settings by their names in lower case."""
    environment = {
        "VIBEWIRE_DATA_DIR": str(data_dir),
        "VIBEWIRE_PORT": "0",
        "OPENAI_BASE_URL": model_url,
        **{_variable(name): value for name, value in settings.items()},
    }
    return ServerProcess("backend.local.main", environment=environment)
