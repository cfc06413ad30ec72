"""Conversation memory: one SQLite file per session, on a disk that several hosts may share."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from backend.app.domain.errors import MemoryCorruptError, MemoryMissingError, TurnError
from backend.app.domain.messages.message import CompletedTurn
from backend.app.domain.sessions.memory import MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.network_session import NetworkSQLiteSession, Work, use_session

T = TypeVar("T")

# Result codes of SQLite (sqlite.org/rescode.html) that do not mean that the file's content is damaged.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNAVAILABLE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_PERM", "SQLITE_AUTH")


class SQLiteMemory:
    """The Memory of both engines. Opens the file for each call only, and works on it in a thread."""

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
            return use_session(ref.openai_session_key, path, work)
        except sqlite3.OperationalError as error:
            if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CANTOPEN"):
                raise
        # Not checked before: that costs round trips, and a cache may still list a folder that another host has
        # removed. The failed attempt to open the file has dropped such a cache entry.
        self._files.make_folder(ref)
        return use_session(ref.openai_session_key, path, work)

    def _use_existing(self, ref: MemoryRef, work: Work[T]) -> T:
        path = self._files.path(ref)
        with NetworkSQLiteSession.exclusive_in_process(path):
            _require_file(path)
            return use_session(ref.openai_session_key, path, work)


def _require_file(path: Path) -> None:
    # By opening it, never by exists(): an NFS client may answer that from a stale cache.
    try:
        os.close(os.open(path, os.O_RDONLY))
    except FileNotFoundError as error:
        raise MemoryMissingError(str(path.name)) from error


async def _in_thread(work: Callable[[], T]) -> T:
    working = asyncio.create_task(asyncio.to_thread(_translate, work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        # A thread cannot be cancelled: without this wait it could still write after the turn has ended.
        await asyncio.wait({working})
        working.exception()  # retrieved, so that asyncio does not log it
        raise


def _translate(work: Callable[[], T]) -> T:
    try:
        return work()
    except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
        # Only the error's name is reported: its text may quote the conversation.
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if name.startswith(_BUSY):
            raise _unavailable("memory_busy", name) from error
        if name.startswith(_UNAVAILABLE):
            raise _unavailable("memory_unavailable", name) from error
        raise MemoryCorruptError(name) from error
    except OSError as error:
        raise _unavailable("memory_unavailable", error.strerror or type(error).__name__) from error


def _unavailable(code: str, reason: str) -> TurnError:
    return TurnError(code, f"The session's memory cannot be used now: {reason}.", retryable=True)
