"""The Agents SDK's SQLiteSession, made safe for files on a network file system, and sparing with round trips.

Why PERSIST and FULL: over NFS a client may answer from its cache whether a journal exists. With DELETE or TRUNCATE it
can then miss the hot journal of a host that died and take a half-written file for good; WAL needs shared memory, which
two hosts do not have. With PERSIST the journal is always there, and opening it revalidates the cache.
"""

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from agents import SQLiteSession, TResponseInputItem

from backend.app.domain.errors import MemoryCorruptError
from backend.app.domain.messages.message import CompletedTurn, Item
from backend.app.domain.sessions.memory import MemorySnapshot

_BUSY_MILLISECONDS = 20_000
_BETWEEN_OPENINGS = (0.005, 0.1)
# OpenAI's rule of thumb for English text; only whole turns are counted with it, against a generous budget.
_BYTES_A_TOKEN = 4

_MARKERS = """
CREATE TABLE IF NOT EXISTS vibewire_turns (
    number INTEGER PRIMARY KEY, message_id TEXT NOT NULL, first_item INTEGER NOT NULL,
    item_count INTEGER NOT NULL, tokens INTEGER NOT NULL
)
"""

Work = Callable[["NetworkSQLiteSession", sqlite3.Connection], None]


class NetworkSQLiteSession(SQLiteSession):
    """A SQLiteSession for files that several hosts open. Each turn has a marker: it is there whole, or not at all."""

    def __init__(self, session_id: str, path: Path, work: Work) -> None:
        """Open the file, which is created where it is not there, do the work on that one connection, and close it."""
        self._work = work
        self._is_open = False
        deadline = time.monotonic() + _BUSY_MILLISECONDS / 1000
        while not self._try_to_open(session_id, path, deadline):
            time.sleep(random.uniform(*_BETWEEN_OPENINGS))  # noqa: S311 - no secret

    def _try_to_open(self, session_id: str, path: Path, deadline: float) -> bool:
        """Open the file and do the work; False where the file was locked before the work began."""
        try:
            super().__init__(session_id, path)
        except sqlite3.OperationalError as error:
            is_busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            if self._is_open or not is_busy or time.monotonic() > deadline:
                raise
            return False
        return True

    @classmethod
    @contextmanager
    def alone_in_process(cls, path: Path) -> Iterator[None]:
        """Keep the process's other sessions off the file, by the lock that the SDK has for it.

        Needed by whoever opens the file without SQLite: when any descriptor of a file is closed, POSIX drops all locks
        that the process holds on it, those of another thread's transaction too.
        """
        lock_path, lock = cls._acquire_file_lock(path)
        try:
            with lock:
                yield
        finally:
            cls._release_file_lock(lock_path)

    @staticmethod
    def _configure_connection(conn: sqlite3.Connection) -> None:
        """The SDK's private hook (0.24.0), which would turn WAL on; a test guards that it is called.

        Setting the journal mode reads the file, and a hot journal is rolled back then, still in the mode that a
        connection begins with: DELETE, which takes the journal away for other hosts to miss. In exclusive locking mode
        it is kept. That mode also holds the shared lock; normal locking comes back at once, so that the transaction
        that follows takes the lock over (no second round of locking) and gives it back when it ends.

        Raises OperationalError where the file is locked; then the connection must be closed, not used to try again. If
        what it lacks is the lock for rolling back, SQLite in exclusive mode keeps the first half of that lock, takes it
        for another's the next time, and reads a half-written file as it is.
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
        """The SDK's private hook, on the connection that it opens first and closes again.

        The work is done here, since the SDK would open the file a second time for it.
        """
        self._is_open = True
        try:
            self._work(self, conn)
        finally:
            conn.rollback()

    def _create_schema_for_connection(self, conn: sqlite3.Connection) -> None:
        super()._create_schema_for_connection(conn)
        conn.execute(_MARKERS)

    def read_turns(self, conn: sqlite3.Connection, token_budget: int) -> MemorySnapshot:
        """The newest whole turns that fit in the budget, without loading the others. Raises MemoryCorruptError."""
        conn.execute("BEGIN")
        if conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'vibewire_turns'").fetchone() is None:
            conn.rollback()
            conn.execute("BEGIN IMMEDIATE")
            self._create_schema_for_connection(conn)
            conn.commit()
            conn.execute("BEGIN")
        return self._read_turns(conn, token_budget)

    def add_turns(self, conn: sqlite3.Connection, turns: Sequence[CompletedTurn], after: int) -> bool:
        """Add the turns that are not there yet, with their markers, in one transaction. False: `after` is not there."""
        conn.execute("BEGIN IMMEDIATE")
        self._create_schema_for_connection(conn)
        # Its page comes second in the file. What is read in order is read ahead: the next pages come in the same trip.
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
        # By the rows themselves, which lie in order: the index would be read on top of them.
        rows = conn.execute(
            f"SELECT message_data FROM {self.messages_table} NOT INDEXED WHERE session_id = ? AND id >= ? ORDER BY id",
            (self.session_id, first_item),
        )
        return [json.loads(text) for (text,) in rows]
