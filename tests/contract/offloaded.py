"""Work for an Offloader under test; a child process finds it here by its name."""

import os
import time
from pathlib import Path

from backend.app.domain.projects.source import InvalidSourceError

_DEADLINE_SECONDS = 20.0


def shout(text: str, mark: str) -> str:
    return text.upper() + mark


def refuse(text: str) -> str:
    raise InvalidSourceError("not so", 3)


def process_id(text: str) -> int:
    return os.getpid()


def environment(text: str) -> list[str]:
    return sorted(os.environ)


def die(text: str) -> None:
    os._exit(7)


def wait_for_file(text: str, path: Path) -> bool:
    """Whether the file was created in time. Blocks this thread."""
    until = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < until:
        if path.exists():
            return True
        time.sleep(0.001)
    return False
