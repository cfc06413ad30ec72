"""Holds turns back while the local engine's disk has no room, or its store cannot be written."""

import asyncio
import logging
import shutil

from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.domain.storage_errors import StorageDamagedError, StorageError

logger = logging.getLogger(__name__)

# A turn that begins without room spends one of its attempts for nothing. On a small disk a smaller part is enough.
_ROOM_BYTES = 4_000_000
_ROOM_SHARE = 16
_PAUSES = (0.2, 5.0)


class StorageGate:
    """Open while turns can be stored. It closes on its own for a full disk, and when a failure is reported."""

    def __init__(self, database: LocalDatabase) -> None:
        self._database = database
        self._has_failed = False
        self._is_logged = False

    def close(self, error: StorageError) -> None:
        """Let nothing through until the store takes a write again. Raises the error of a damaged store."""
        if isinstance(error, StorageDamagedError):
            raise error
        self._has_failed = True
        self._log_wait(f"{error.code} ({error.reason})")

    async def wait_until_open(self) -> None:
        """Return when there is room and the store can be written. Raises StorageDamagedError."""
        pause, longest = _PAUSES
        while (reason := await self._find_reason_to_wait()) is not None:
            self._log_wait(reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
        if self._is_logged:
            self._is_logged = False
            logger.warning("The store can be written again: turns go on.")

    async def _find_reason_to_wait(self) -> str | None:
        try:
            usage = shutil.disk_usage(self._database.path.parent)
        except OSError as error:
            return error.strerror or type(error).__name__
        if usage.free < min(_ROOM_BYTES, usage.total // _ROOM_SHARE):
            return f"the disk has only {usage.free:,} bytes left"
        if self._has_failed:
            try:
                await self._database.check_writable()
            except StorageDamagedError:
                raise
            except StorageError as error:
                return f"{error.code} ({error.reason})"
            self._has_failed = False
        return None

    def _log_wait(self, reason: str) -> None:
        if not self._is_logged:
            self._is_logged = True
            logger.error(
                "Turns wait: %s in %s. They go on by themselves when that is over.",
                reason,
                self._database.path.parent.resolve(),
            )
