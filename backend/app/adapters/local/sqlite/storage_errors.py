"""Translates SQLite's errors about the file or the machine to errors of the domain."""

import shutil
import sqlite3
from pathlib import Path

from backend.app.domain.storage_errors import (
    StorageDamagedError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)

# Primary result codes (sqlite.org/rescode.html), prefixes of the extended ones. All others are bugs of ours.
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")
_FULL = ("SQLITE_FULL",)
_UNAVAILABLE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_PERM",
    "SQLITE_PROTOCOL",
    "SQLITE_NOLFS",
    "SQLITE_NOMEM",
)
# A file system with less than this has no room for one more page and its header in the log.
_NO_ROOM_BYTES = 8_192


def storage_error_of(error: sqlite3.Error | MemoryError, file: Path) -> StorageError | None:
    """The domain's error for an error of SQLite on a file; None if it is not about the file or the machine."""
    if isinstance(error, MemoryError):
        return StorageUnavailableError("out of memory")
    name: str = getattr(error, "sqlite_errorname", "")
    if name.startswith(_DAMAGED):
        return StorageDamagedError(name)
    # A full disk is also an input/output error where SQLite grows its shared memory or its directory.
    if name.startswith(_FULL) or (name.startswith(_UNAVAILABLE) and _has_no_room(file)):
        return StorageFullError(name)
    if name.startswith(_UNAVAILABLE):
        return StorageUnavailableError(name)
    return None


def _has_no_room(file: Path) -> bool:
    try:
        return shutil.disk_usage(file.parent).free < _NO_ROOM_BYTES
    except OSError:
        return False
