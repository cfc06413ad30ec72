"""Checks the store's file before it is opened, without writing: a damaged file stays as it was found."""

import sqlite3
from contextlib import closing
from pathlib import Path

from backend.app.adapters.local.sqlite.storage_errors import storage_error_of
from backend.app.adapters.local.sqlite.wal import find_wal_damage
from backend.app.domain.storage_errors import StorageDamagedError, StorageUnavailableError

# SQLite checks some 1 GB a second: a larger file would delay the start. Its damage is reported when it is read.
_MOST_BYTES = 256_000_000


def check_store(file: Path) -> int:
    """The number of sessions in the store, deleted ones included; 0 if there is no file, or an empty one.

    Raises StorageDamagedError, StorageFullError, StorageUnavailableError.
    """
    try:
        if not file.exists() or (file.is_file() and file.stat().st_size == 0):
            return 0
        if damage := find_wal_damage(file.with_name(f"{file.name}-wal")):
            raise StorageDamagedError(damage)
        if not file.is_file():
            raise StorageUnavailableError("it is not a file")
        return _count_sessions(file)
    except OSError as error:
        raise StorageUnavailableError(error.strerror or type(error).__name__) from error


def _count_sessions(file: Path) -> int:
    # Read only: closing a writable connection would checkpoint the log into a damaged file.
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if file.stat().st_size <= _MOST_BYTES:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise StorageDamagedError(found.splitlines()[-1])
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sessions'").fetchone() is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT 1)").fetchone()[0])
    except sqlite3.Error as error:
        raise storage_error_of(error, file) or error from error
