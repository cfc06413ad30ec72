"""Opens the local store at the start; what is wrong with it is said in one line, and left as it was found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.app.adapters.local.sqlite.recovery import recover_turns
from backend.app.adapters.local.sqlite.store_check import check_store
from backend.app.domain.storage_errors import StorageDamagedError, StorageError, StorageFullError
from backend.app.wiring_local import LocalEngine
from backend.local.start_checks import CannotStartError


@asynccontextmanager
async def open_store(engine: LocalEngine, data_dir: Path) -> AsyncIterator[None]:
    """Check and open the engine's store, take over what the process before left, and close it at the end.

    Raises CannotStartError.
    """
    store = engine.database.path
    try:
        sessions = await asyncio.to_thread(check_store, store)
        if sessions == 0:
            _require_no_memory(store, data_dir / "memory")
        await engine.database.open()
    except StorageError as error:
        raise _cannot_start(store, error) from error
    try:
        try:
            await recover_turns(engine.database, engine.clock)
        except StorageError as error:
            raise _cannot_start(store, error) from error
        yield
    finally:
        await engine.close()


def _require_no_memory(store: Path, memory: Path) -> None:
    """Refuse a store without a session beside the memories of some: it was lost or emptied, and is not begun anew."""
    if next(memory.glob("*/*.sqlite"), None) is not None:
        what = "is empty" if store.exists() else "is missing"
        raise CannotStartError(
            f"The store {store.resolve()} {what}, but {memory.resolve()} holds conversations: "
            "restore a backup of the store, or move that folder away to start with nothing."
        )


def _cannot_start(store: Path, error: StorageError) -> CannotStartError:
    where = f"The store {store.resolve()}"
    if isinstance(error, StorageFullError):
        return CannotStartError(f"{where} cannot be written: its disk is full. Make room, and start again.")
    if isinstance(error, StorageDamagedError):
        return CannotStartError(
            f"{where} is damaged ({error.reason}): restore a backup, or move it away "
            "(with the files beside it whose names begin alike) to start with nothing."
        )
    return CannotStartError(
        f"{where} cannot be used ({error.reason}): see that it is a file that you may read and write, "
        "restore a backup, or move it away."
    )
