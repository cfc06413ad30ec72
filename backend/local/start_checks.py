"""What must be so before the local process starts; what is not is said in one line."""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backend.local.loopback_guard import LOOPBACK_NAMES
from backend.local.settings import LocalSettings
from shared.server_process import listen


class CannotStartError(Exception):
    """The process cannot start; the message says why and what to do."""


def _open_lock(data_dir: Path) -> IO[str]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return (data_dir / "lock").open("w")
    except OSError as error:
        raise CannotStartError(
            f"The data folder {data_dir} cannot be used ({error.strerror}): set VIBEWIRE_DATA_DIR."
        ) from None


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Lock the data folder for the block. Raises CannotStartError where another process has it."""
    with _open_lock(data_dir) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"Another Vibewire uses {data_dir.resolve()}: stop it, or set VIBEWIRE_DATA_DIR."
            ) from None
        yield


def open_port(settings: LocalSettings) -> socket.socket:
    """The socket that the settings name, listening. Raises CannotStartError where the port is taken."""
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise CannotStartError(
            f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}): set VIBEWIRE_PORT."
        ) from None


def check_address(settings: LocalSettings) -> None:
    """Refuse to be reached from elsewhere while everybody is trusted. Raises CannotStartError."""
    if not settings.has_identity and settings.host not in LOOPBACK_NAMES:
        raise CannotStartError(
            f"VIBEWIRE_HOST is {settings.host}: without identity settings only a loopback address may be listened on."
        )
