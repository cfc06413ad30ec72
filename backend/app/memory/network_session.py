"""The Agents SDK's SQLiteSession, made safe for files on a network file system, with few round trips.

Why PERSIST and FULL: over NFS a client may answer from its cache whether a journal exists. With DELETE or TRUNCATE it
can then miss the hot journal of a host that died, and read a half-written file; WAL needs shared memory, which two
hosts do not have. With PERSIST the journal always exists, and opening it revalidates the cache.
"""

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar, cast

from agents import SQLiteSession, TResponseInputItem

from backend.app.domain.errors import MemoryCorruptError
from backend.app.domain.messages.message import CompletedTurn, Item
from backend.app.domain.sessions.memory import MemorySnapshot

T = TypeVar("T")

_BUSY_MILLISECONDS = 20_000
_PAUSE_SECONDS = (0.005, 0.1)
# OpenAI's rule of thumb for English text; it is applied to complete turns only, against a generous budget.
_BYTES_PER_TOKEN = 4

_MARKERS = """
CREATE TABLE IF NOT EXISTS vibewire_turns (
    number INTEGER PRIMARY KEY, message_id TEXT NOT NULL, first_item INTEGER NOT NULL,
    item_count INTEGER NOT NULL, tokens INTEGER NOT NULL
)
"""

Work = Callable[["NetworkSQLiteSession", sqlite3.Connection], T]


def use_session(session_id: str, path: Path, work: Work[T]) -> T:
    """Open a memory's file, which is created if missing, do the work on one connection, and close it.

    Returns the work's result. Waits while the file is locked by another connection. Raises what the work raises, and
    sqlite3.Error where the file cannot be opened.
    """
    results: list[T] = []
    has_started = False

    def run_work(session: NetworkSQLiteSession, connection: sqlite3.Connection) -> None:
        nonlocal has_started
        has_started = True
        results.append(work(session, connection))

    deadline = time.monotonic() + _BUSY_MILLISECONDS / 1000
    while True:
        try:
            with closing(NetworkSQLiteSession(session_id, path, run_work)):
                return results[0]
        except sqlite3.OperationalError as error:
            is_busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            if has_started or not is_busy or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret


class NetworkSQLiteSession(SQLiteSession):
    """A SQLiteSession for files that several hosts open. A turn and its marker are written in one transaction.

    The SDK opens the file in its constructor, to create the tables. `on_open` is called with that connection, because
    opening the file a second time would cost round trips to the server. Use it through `use_session`.
    """

    def __init__(self, session_id: str, path: Path, on_open: Work[None]) -> None:
        self._on_open = on_open
        super().__init__(session_id, path)

    @classmethod
    @contextmanager
    def exclusive_in_process(cls, path: Path) -> Iterator[None]:
        """Keep the process's other sessions off the file, by the SDK's own lock for it.

        Needed to open the file without SQLite: when any descriptor of a file is closed, POSIX drops all locks that the
        process holds on it, including those of a transaction in another thread.
        """
        lock_path, lock = cls._acquire_file_lock(path)
        try:
            with lock:
                yield
        finally:
            cls._release_file_lock(lock_path)

    @staticmethod
    def _configure_connection(conn: sqlite3.Connection) -> None:
        """The SDK's private hook (0.24.0), which would turn WAL on; a test checks that it is called.

        Setting the journal mode reads the file. A hot journal is rolled back then, still in the mode that a connection
        starts with: DELETE, which would delete the journal, so that other hosts can miss it. In exclusive locking mode
        the journal is kept. That mode also keeps the shared lock. Normal locking is set again right after, so that the
        next transaction takes that lock over (without locking again) and releases it at its end.

        Raises OperationalError where the file is locked. The connection must then be closed and not used for another
        attempt: if the lock for rolling back was missing, SQLite in exclusive mode keeps the first half of that lock,
        takes it for another connection's the next time, and reads a half-written file without rolling it back.
        """
        conn.execute("PRAGMA busy_timeout=0")
        conn.execute("PRAGMA mmap_size=0")
        conn.execute("PRAGMA locking_mode=EXCLUSIVE")
        mode = conn.execute("PRAGMA journal_mode=PERSIST").fetchone()[0]
        conn.execute("PRAGMA locking_mode=NORMAL")
        if mode != "persist":
            raise RuntimeError(f"the journal mode is {mode}, not persist")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")

    def _init_db_for_connection(self, conn: sqlite3.Connection) -> None:
        """The SDK's private hook, called with the connection that its constructor opens and closes."""
        try:
            self._on_open(self, conn)
        finally:
            conn.rollback()

    def _create_schema_for_connection(self, conn: sqlite3.Connection) -> None:
        super()._create_schema_for_connection(conn)
        conn.execute(_MARKERS)

    def read_turns(self, conn: sqlite3.Connection, token_budget: int) -> MemorySnapshot:
        """Read the newest turns that fit into the budget, without loading the others. Raises MemoryCorruptError."""
        conn.execute("BEGIN")
        if conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'vibewire_turns'").fetchone() is None:
            conn.rollback()
            conn.execute("BEGIN IMMEDIATE")
            self._create_schema_for_connection(conn)
            conn.commit()
            conn.execute("BEGIN")
        return self._read_turns(conn, token_budget)

    def add_turns(self, conn: sqlite3.Connection, turns: Sequence[CompletedTurn], after: int) -> bool:
        """Add the missing turns, with their markers, in one transaction. False where turn number `after` is missing."""
        conn.execute("BEGIN IMMEDIATE")
        self._create_schema_for_connection(conn)
        # This table's page is the second of the file. Reading it makes the file system read ahead: the next pages come
        # in the same round trip.
        conn.execute(f"SELECT 1 FROM {self.sessions_table}").fetchone()
        last = conn.execute("SELECT coalesce(max(number), 0) FROM vibewire_turns").fetchone()[0]
        if last < after:
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
        tokens = len(json.dumps(turn.items)) // _BYTES_PER_TOKEN
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
                raise MemoryCorruptError("a turn's marker has values that are not numbers")
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
            raise MemoryCorruptError(f"its newest turns should have {expected} items, but have {len(items)}")
        return MemorySnapshot(last_number, tuple(items))

    def _read_items(self, conn: sqlite3.Connection, first_item: int) -> list[Item]:
        # By the table, whose rows are stored in order: the index would be read in addition.
        rows = conn.execute(
            f"SELECT message_data FROM {self.messages_table} NOT INDEXED WHERE session_id = ? AND id >= ? ORDER BY id",
            (self.session_id, first_item),
        )
        return [json.loads(text) for (text,) in rows]
