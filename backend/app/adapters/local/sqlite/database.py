"""The local engine's one SQLite file: a connection in a thread of its own.

WAL mode fits, since the file is on a local disk. With `synchronous=NORMAL` every acknowledged transaction survives a
kill of the process (a power loss may lose the newest ones).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from backend.app.adapters.local.sqlite.schema import create_schema
from backend.app.adapters.local.sqlite.storage_errors import storage_error_of
from backend.app.domain.storage_errors import StorageDamagedError, StorageUnavailableError

T = TypeVar("T")

# How long a transaction waits for one of another process on the same file.
_BUSY_MILLISECONDS = 10_000


class LocalDatabase:
    """A durable SQLite file that several adapters share. All work runs in one thread, one piece after another.

    Each method raises StorageFullError, StorageUnavailableError and StorageDamagedError for problems of the file or the
    machine. After a StorageDamagedError the store is not used again.
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
        """Open the file; create it with its schema if there is none."""
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

    async def truncate_wal(self) -> None:
        """Erase deleted data from the write-ahead log, which holds it until a checkpoint."""
        await self._in_thread(self._truncate_wal)

    async def check_writable(self) -> None:
        """Write one page without changing it; raises what any transaction may raise."""

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

    def _truncate_wal(self) -> None:
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
        create_schema(connection)
        # A process that was killed before this checkpoint may have left deleted text in the log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        self._require_same_file()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself if the disk is full or failed.
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
        # Writes to a file that was deleted or replaced since it was opened would be lost when this process ends.
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
