"""Conversation memory: the Agents SDK's SQLiteSession, made safe for a network file system.

Why PERSIST and FULL: over NFS a client may answer from its cache whether a journal exists. With DELETE or TRUNCATE it
can then miss the hot journal of a host that died and take a half-written file for good; WAL needs shared memory, which
two hosts do not have. With PERSIST the journal is always there, and opening it revalidates the cache.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar, cast

from agents import SQLiteSession, TResponseInputItem

from backend.app.domain.errors import MemoryCorruptError, MemoryMissingError, TurnError
from backend.app.domain.message import CompletedTurn, Item
from backend.app.domain.ports import MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles

T = TypeVar("T")

_BUSY_MILLISECONDS = 20_000
# OpenAI's rule of thumb for English text; only whole turns are counted with it, against a generous budget.
_BYTES_A_TOKEN = 4

# Result codes of SQLite (sqlite.org/rescode.html) that say nothing about the file's content.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNAVAILABLE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_PERM", "SQLITE_AUTH")

_MARKERS = """
CREATE TABLE IF NOT EXISTS vibewire_turns (
    number INTEGER PRIMARY KEY, message_id TEXT NOT NULL, first_item INTEGER NOT NULL,
    item_count INTEGER NOT NULL, tokens INTEGER NOT NULL
)
"""


class NetworkSQLiteSession(SQLiteSession):
    """A SQLiteSession for files that several hosts open. Each turn has a marker: it is there whole, or not at all."""

    @staticmethod
    def _configure_connection(conn: sqlite3.Connection) -> None:
        """The SDK's private hook (0.24.0), which would turn WAL on; a test guards that it is called."""
        conn.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        mode = conn.execute("PRAGMA journal_mode=PERSIST").fetchone()[0]
        if mode != "persist":
            raise RuntimeError(f"the journal mode is {mode}, not persist")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA mmap_size=0")

    def _create_schema_for_connection(self, conn: sqlite3.Connection) -> None:
        super()._create_schema_for_connection(conn)
        conn.execute(_MARKERS)

    def read_turns(self, token_budget: int) -> MemorySnapshot:
        """The newest whole turns that fit in the budget, without loading the others. Raises MemoryCorruptError."""
        with self._locked_connection() as conn:
            conn.execute("BEGIN")
            try:
                return self._read_turns(conn, token_budget)
            finally:
                conn.rollback()

    def add_turns(self, turns: Sequence[CompletedTurn], after: int) -> bool:
        """Add the turns that are not there yet, with their markers, in one transaction. False: `after` is not there."""
        with self._write_connection() as conn:
            conn.execute("BEGIN IMMEDIATE")
            last = conn.execute("SELECT coalesce(max(number), 0) FROM vibewire_turns").fetchone()[0]
            if last < after:
                conn.rollback()
                return False
            for turn in turns:
                if turn.number > last:
                    self._add_turn(conn, turn)
                    last = turn.number
            conn.commit()
            return True

    def _add_turn(self, conn: sqlite3.Connection, turn: CompletedTurn) -> None:
        self._insert_items(conn, [cast(TResponseInputItem, item) for item in turn.items])
        newest = conn.execute(f"SELECT coalesce(max(id), 0) FROM {self.messages_table}").fetchone()[0]
        tokens = len(json.dumps(turn.items)) // _BYTES_A_TOKEN
        conn.execute(
            "INSERT INTO vibewire_turns (number, message_id, first_item, item_count, tokens) VALUES (?, ?, ?, ?, ?)",
            (turn.number, turn.message_id, newest - len(turn.items) + 1, len(turn.items), tokens),
        )

    def _read_turns(self, conn: sqlite3.Connection, token_budget: int) -> MemorySnapshot:
        last_number, next_item, first_item, expected = 0, None, None, 0
        for marker in conn.execute(
            "SELECT number, first_item, item_count, tokens FROM vibewire_turns ORDER BY number DESC"
        ):
            if not all(isinstance(value, int) for value in marker):
                raise MemoryCorruptError("a turn's marker holds no numbers")
            number, first, count, tokens = marker
            if next_item is None:
                last_number, next_item = number, first + count
            token_budget -= tokens
            if token_budget < 0:
                break
            first_item, expected = first, expected + count
        stray = conn.execute(f"SELECT count(*) FROM {self.messages_table} WHERE id >= ?", (next_item or 0,)).fetchone()[
            0
        ]
        if stray:
            raise MemoryCorruptError(f"{stray} items belong to no turn")
        items = [] if first_item is None else self._read_items(conn, first_item)
        if len(items) != expected:
            raise MemoryCorruptError(f"its newest turns should hold {expected} items and hold {len(items)}")
        return MemorySnapshot(last_number, tuple(items))

    def _read_items(self, conn: sqlite3.Connection, first_item: int) -> list[Item]:
        rows = conn.execute(
            f"SELECT message_data FROM {self.messages_table} WHERE session_id = ? AND id >= ? ORDER BY id",
            (self.session_id, first_item),
        )
        return [json.loads(text) for (text,) in rows]


class SQLiteMemory:
    """The Memory of both engines. The file is open only while it is read or written; all of it in a thread."""

    def __init__(self, files: MemoryFiles) -> None:
        self._files = files

    async def read_memory(self, ref: MemoryRef, token_budget: int) -> MemorySnapshot:
        """See Memory."""
        path = await _in_thread(lambda: self._files.make_folder(ref))
        return await self._with_session(ref, path, lambda session: session.read_turns(token_budget))

    async def append_turns(
        self, ref: MemoryRef, turns: Sequence[CompletedTurn], *, create: bool, after: int = 0
    ) -> bool:
        """See Memory."""
        path = self._files.path(ref)
        if create:
            await _in_thread(lambda: self._files.make_folder(ref))
        else:
            await _in_thread(lambda: _require_file(path))
        return await self._with_session(ref, path, lambda session: session.add_turns(turns, after))

    async def set_aside(self, ref: MemoryRef) -> None:
        """See Memory."""
        await _in_thread(lambda: self._files.set_aside(ref))

    async def erase_memory(self, ref: MemoryRef) -> None:
        """See Memory."""
        await asyncio.to_thread(self._files.erase, ref)

    async def _with_session(self, ref: MemoryRef, path: Path, work: Callable[[NetworkSQLiteSession], T]) -> T:
        def run() -> T:
            with closing(NetworkSQLiteSession(ref.openai_session_key, path)) as session:
                return work(session)

        return await _in_thread(run)


def _require_file(path: Path) -> None:
    # By opening, never by exists(): a network client may answer that from a stale cache.
    try:
        path.open("rb").close()
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
