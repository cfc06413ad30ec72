"""The parts of the local process that need the Agents SDK, whose import takes longer than that of all else together."""

import asyncio
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.app.domain.sessions.memory import Memory
from backend.app.domain.sessions.session_service import SessionService
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from backend.local.storage_gate import StorageGate
from backend.local.worker import LocalWorker, clean_up_regularly

if TYPE_CHECKING:
    from backend.app.wiring_agent import WorkerServices


@dataclass(frozen=True, slots=True)
class LazyWorker:
    """Runs turns and cleans up, each from when the Agents SDK is there until it is cancelled. Close it after use."""

    settings: LocalSettings
    engine: LocalEngine
    sessions: SessionService
    services: "asyncio.Task[WorkerServices]"

    async def run_turns(self) -> None:
        """Run turns. Raises what the import of the Agents SDK raised, and StorageDamagedError."""
        services = await asyncio.shield(self.services)
        worker = LocalWorker(
            services.turns,
            self.engine.queue,
            StorageGate(self.engine.database),
            parallel=self.settings.workers,
            visibility_seconds=self.settings.lease_seconds,
        )
        await worker.run()

    async def clean_up(self) -> None:
        """Clean up regularly. Raises as `run_turns` does."""
        services = await asyncio.shield(self.services)
        await clean_up_regularly(self.sessions, services.erasure, services.abandoned, self.engine.events)

    async def close(self) -> None:
        """Close the model's client, once the parts have ended."""
        await asyncio.wait({self.services})  # an import in a thread cannot be cut off
        if not self.services.cancelled() and self.services.exception() is None:
            await self.services.result().client.close()


def load_worker(
    settings: LocalSettings, engine: LocalEngine, sessions: SessionService, memory: Memory | None
) -> LazyWorker:
    """Begin to import the Agents SDK in a thread: the API answers already, and turns wait for the import.

    Args:
        settings: of the process.
        engine: opened.
        sessions: for the clean-up of deleted projects.
        memory: another one than that of the settings' data folder.
    """
    services = asyncio.create_task(_load_services(settings, engine, memory))
    return LazyWorker(settings, engine, sessions, services)


async def _load_services(settings: LocalSettings, engine: LocalEngine, memory: Memory | None) -> "WorkerServices":
    # Imports make many objects and no garbage: collections would only hold the interpreter's lock.
    gc.disable()
    try:
        services = await asyncio.to_thread(_build_services, settings, engine, memory)
    finally:
        gc.enable()
    # What the imports made lives as long as the process: a full collection would walk it for 150 ms in mid-turn.
    gc.freeze()
    return services


def _build_services(settings: LocalSettings, engine: LocalEngine, memory: Memory | None) -> "WorkerServices":
    from backend.app.memory.memory_files import MemoryFiles
    from backend.app.memory.sqlite_memory import SQLiteMemory
    from backend.app.wiring_agent import build_worker_services

    memory = memory or SQLiteMemory(MemoryFiles(settings.data_dir / "memory"))
    return build_worker_services(settings, engine, memory, settings.openai_api_key, max_turns=settings.workers)
