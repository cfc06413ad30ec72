"""The local engine's one SQLite file: a connection in a thread of its own, and the schema.

WAL is right here, since the file lies on a local disk; `synchronous=NORMAL` keeps every acknowledged transaction
when the process is killed (a power loss may take the newest ones).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from backend.app.adapters.local_storage_errors import storage_error_of
from backend.app.domain.errors import StorageDamagedError, StorageUnavailableError

T = TypeVar("T")

# How long a transaction waits for one of another process on the same file.
_BUSY_MILLISECONDS = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (
    project_id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, version INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS project_users (
    user_id TEXT NOT NULL, project_id TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (user_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS users_of_project ON project_users (project_id);
CREATE TABLE IF NOT EXISTS code_versions (
    project_id TEXT NOT NULL, version INTEGER NOT NULL, code TEXT NOT NULL, nodes TEXT NOT NULL,
    message_id TEXT, commit_message TEXT NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (project_id, version)
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, node_id TEXT, openai_session_key TEXT NOT NULL,
    created_at TEXT NOT NULL, message_count INTEGER NOT NULL DEFAULT 0, completed_number INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0, total_tokens INTEGER NOT NULL DEFAULT 0,
    deleted_at TEXT, erased INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS live_session_of_key ON sessions (openai_session_key) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS sessions_of_project ON sessions (project_id);
CREATE INDEX IF NOT EXISTS sessions_to_erase ON sessions (deleted_at) WHERE deleted_at IS NOT NULL AND erased < 2;
CREATE TABLE IF NOT EXISTS messages (
    message_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, project_id TEXT NOT NULL, number INTEGER NOT NULL,
    prompt TEXT NOT NULL, status TEXT NOT NULL, content TEXT, patch TEXT, base_version INTEGER, version INTEGER,
    prompt_tokens INTEGER NOT NULL DEFAULT 0, completion_tokens INTEGER NOT NULL DEFAULT 0,
    total_tokens INTEGER NOT NULL DEFAULT 0, model TEXT, iterations INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0, error_code TEXT, error_detail TEXT, created_at TEXT NOT NULL,
    completed_at TEXT, lease_until TEXT, cancel_requested INTEGER NOT NULL DEFAULT 0,
    due_at TEXT, rescues INTEGER NOT NULL DEFAULT 0,
    UNIQUE (session_id, number)
) STRICT;
CREATE INDEX IF NOT EXISTS open_messages ON messages (session_id, number) WHERE status IN ('queued', 'running');
CREATE TABLE IF NOT EXISTS responses (
    message_id TEXT NOT NULL, attempt INTEGER NOT NULL, call INTEGER NOT NULL, agent TEXT NOT NULL,
    iteration INTEGER NOT NULL, response_id TEXT NOT NULL, model TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (message_id, attempt, call)
) STRICT;
CREATE TABLE IF NOT EXISTS turn_items (
    message_id TEXT NOT NULL, attempt INTEGER NOT NULL, items TEXT NOT NULL, PRIMARY KEY (message_id, attempt)
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    session_id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, expires_at TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_expiry ON events (expires_at);
CREATE TABLE IF NOT EXISTS doorbells (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, message_id TEXT NOT NULL,
    visible_at REAL NOT NULL, receipt TEXT, hidden_seconds REAL NOT NULL DEFAULT 0,
    group_id TEXT NOT NULL DEFAULT ''
) STRICT;
"""
# Columns that older stores lack: table, column and what follows it. `CREATE TABLE IF NOT EXISTS` adds none.
_ADDED_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("doorbells", "hidden_seconds", "REAL NOT NULL DEFAULT 0"),
    *(
        (table, column, "INTEGER NOT NULL DEFAULT 0")
        for table in ("sessions", "messages", "responses")
        for column in ("cached_tokens", "reasoning_tokens")
    ),
    ("messages", "due_at", "TEXT"),
    ("messages", "rescues", "INTEGER NOT NULL DEFAULT 0"),
    ("doorbells", "group_id", "TEXT NOT NULL DEFAULT ''"),
)
# What needs those columns, and gives the rows of older stores their values.
_AFTER_ADDED_COLUMNS = """
CREATE INDEX IF NOT EXISTS due_messages ON messages (due_at, message_id) WHERE due_at IS NOT NULL;
DROP INDEX IF EXISTS doorbells_of_session;
CREATE INDEX IF NOT EXISTS doorbells_of_group ON doorbells (group_id, id);
UPDATE doorbells SET group_id = session_id WHERE group_id = '';
"""


class LocalDatabase:
    """A durable SQLite file that several adapters share. All work runs in one thread, one piece after another.

    Each method raises StorageFullError, StorageUnavailableError and StorageDamagedError where the file or the machine
    is at fault. A store that was once found damaged is not used again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-database")
        self._connection: sqlite3.Connection | None = None
        self._file_id: tuple[int, int] | None = None
        self._damage: StorageDamagedError | None = None

    @property
    def path(self) -> Path:
        """The store's file."""
        return self._path

    async def open(self) -> None:
        """Open the file, and make it with its schema where there is none."""
        self._connection = await self._in_thread(self._connect)

    async def close(self) -> None:
        """Finish the work in hand and close the file. Safe to repeat."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
            self._connection = None
        self._thread.shutdown(wait=False)

    async def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back when it raises."""
        return await self._in_thread(lambda: self._transact(work))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which only reads, on a consistent view."""
        return await self._in_thread(lambda: self._read(work))

    async def forget(self) -> None:
        """Let go of what was deleted: the write-ahead log still holds it until it is folded into the file."""
        await self._in_thread(self._forget)

    async def check_writable(self) -> None:
        """Write one page and change nothing; raises what any transaction may."""

        def rewrite_header(connection: sqlite3.Connection) -> None:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version={version}")

        await self.transaction(rewrite_header)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._translate_errors, work)

    def _translate_errors(self, work: Callable[[], T]) -> T:
        if self._damage is not None:
            raise StorageDamagedError(self._damage.reason)
        try:
            return work()
        except (sqlite3.Error, MemoryError) as error:
            translated = storage_error_of(error, self._path)
            if translated is None:
                raise
            if isinstance(translated, StorageDamagedError):
                self._damage = translated
            raise translated from error

    def _forget(self) -> None:
        self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnavailableError(error.strerror or type(error).__name__) from error
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
            found = self._path.stat()
        except BaseException:
            connection.close()
            raise
        self._file_id = (found.st_dev, found.st_ino)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten, not only unlinked
        connection.executescript(_SCHEMA)
        for table, column, declaration in _ADDED_COLUMNS:
            if column not in {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {declaration}")
        connection.executescript(_AFTER_ADDED_COLUMNS)
        # A process that was killed between a deletion and this may have left the deleted text in the log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        self._require_same_file()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself where the disk is full or failed.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _require_same_file(self) -> None:
        # What is written to a file that was deleted or replaced meanwhile would be gone with this process.
        try:
            found = self._path.stat()
        except FileNotFoundError as error:
            self._damage = StorageDamagedError("its file was removed while it was in use")
            raise self._damage from error
        except OSError as error:
            raise StorageUnavailableError(error.strerror or type(error).__name__) from error
        if (found.st_dev, found.st_ino) != self._file_id:
            self._damage = StorageDamagedError("its file was replaced by another while it was in use")
            raise self._damage

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("The local database is not open")
        return self._connection
