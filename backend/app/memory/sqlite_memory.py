"""Conversation memory: one file a session, on a disk that several hosts may share."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from backend.app.domain.errors import MemoryCorruptError, MemoryMissingError, TurnError
from backend.app.domain.messages.message import CompletedTurn
from backend.app.domain.sessions.memory import MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.network_session import NetworkSQLiteSession

T = TypeVar("T")
Work = Callable[[NetworkSQLiteSession, sqlite3.Connection], T]

# Result codes of SQLite (sqlite.org/rescode.html) that say nothing about the file's content.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNAVAILABLE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_PERM", "SQLITE_AUTH")


class SQLiteMemory:
    """The Memory of both engines. The file is open only while it is read or written; all of it in a thread."""

    def __init__(self, files: MemoryFiles) -> None:
        self._files = files

    async def read_memory(self, ref: MemoryRef, token_budget: int) -> MemorySnapshot:
        """See Memory."""

        return await _in_thread(
            lambda: self._use_or_create(ref, lambda session, conn: session.read_turns(conn, token_budget))
        )

    async def append_turns(
        self, ref: MemoryRef, turns: Sequence[CompletedTurn], *, create: bool, after: int = 0
    ) -> bool:
        """See Memory."""
        use = self._use_or_create if create else self._use_existing
        return await _in_thread(lambda: use(ref, lambda session, conn: session.add_turns(conn, turns, after)))

    async def quarantine(self, ref: MemoryRef) -> None:
        """See Memory."""
        await _in_thread(lambda: self._files.quarantine(ref))

    async def erase_memory(self, ref: MemoryRef) -> None:
        """See Memory."""
        await asyncio.to_thread(self._files.erase, ref)

    def _use_or_create(self, ref: MemoryRef, work: Work[T]) -> T:
        path = self._files.path(ref)
        try:
            return _use(ref, path, work)
        except sqlite3.OperationalError as error:
            if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CANTOPEN"):
                raise
        # Not looked at before: that costs round trips, and a cache may say that a folder is there which another host
        # has removed. The failed opening has dropped such an entry.
        self._files.make_folder(ref)
        return _use(ref, path, work)

    def _use_existing(self, ref: MemoryRef, work: Work[T]) -> T:
        path = self._files.path(ref)
        with NetworkSQLiteSession.alone_in_process(path):
            _require_file(path)
            return _use(ref, path, work)


def _use(ref: MemoryRef, path: Path, work: Work[T]) -> T:
    results: list[T] = []

    def keep_result(session: NetworkSQLiteSession, conn: sqlite3.Connection) -> None:
        results.append(work(session, conn))

    with closing(NetworkSQLiteSession(ref.openai_session_key, path, keep_result)):
        return results[0]


def _require_file(path: Path) -> None:
    # By opening, never by exists(): a network client may answer that from a stale cache.
    try:
        os.close(os.open(path, os.O_RDONLY))
    except FileNotFoundError as error:
        raise MemoryMissingError(str(path.name)) from error


async def _in_thread(work: Callable[[], T]) -> T:
    working = asyncio.create_task(asyncio.to_thread(_translate, work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        # A thread cannot be cancelled: without this wait it would still write when the turn is thought to be over.
        await asyncio.wait({working})
        working.exception()  # seen; the cancellation is what counts
        raise


def _translate(work: Callable[[], T]) -> T:
    try:
        return work()
    except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
        # The error's own text may quote the conversation, so only its name is told.
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if name.startswith(_BUSY):
            raise _unusable("memory_busy", name) from error
        if name.startswith(_UNAVAILABLE):
            raise _unusable("memory_unavailable", name) from error
        raise MemoryCorruptError(name) from error
    except OSError as error:
        raise _unusable("memory_unavailable", error.strerror or type(error).__name__) from error


def _unusable(code: str, reason: str) -> TurnError:
    return TurnError(code, f"The session's memory cannot be used now: {reason}.", retryable=True)
