"""Wires the adapters of the local engine."""

from dataclasses import dataclass
from pathlib import Path

from backend.app.adapters.local.event_bus import LocalCompletionWaiter, LocalEventBus
from backend.app.adapters.local.event_log import LocalEventLog
from backend.app.adapters.local.message_store import LocalMessageStore
from backend.app.adapters.local.project_store import LocalProjectStore
from backend.app.adapters.local.session_store import LocalSessionStore
from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.local.turn_queue import LocalTurnQueue
from backend.app.adapters.local.turn_store import LocalTurnStore
from backend.app.adapters.local.wait_slots import LocalWaitSlots
from backend.app.adapters.process_offloader import ProcessOffloader
from backend.app.adapters.system_clock import SystemClock
from backend.app.adapters.uuid7_ids import Uuid7Ids
from backend.app.domain.engine import Engine
from backend.app.domain.ports import Clock, IdGenerator


@dataclass(frozen=True, slots=True)
class LocalEngine(Engine):
    """The engine on one SQLite file. Open `database` before use, and `close` the engine after."""

    database: LocalDatabase
    events: LocalEventLog
    queue: LocalTurnQueue
    bus: LocalEventBus
    offloader: ProcessOffloader

    async def close(self) -> None:
        """Finish pending work, end the child process and close the file. Safe to repeat."""
        await self.offloader.close()
        await self.database.close()


def build_local_engine(data_dir: Path, clock: Clock | None = None, ids: IdGenerator | None = None) -> LocalEngine:
    """The local engine on the files of a folder, by default with this machine's clock and new UUIDs."""
    clock, ids = clock or SystemClock(), ids or Uuid7Ids()
    database = LocalDatabase(data_dir / "vibewire.sqlite")
    bus = LocalEventBus()
    projects, sessions = LocalProjectStore(database), LocalSessionStore(database)
    return LocalEngine(
        database=database,
        projects=projects,
        access=projects,
        sessions=sessions,
        erasure=sessions,
        messages=LocalMessageStore(database),
        turns=LocalTurnStore(database),
        events=LocalEventLog(database, clock),
        queue=LocalTurnQueue(database, clock, ids),
        bus=bus,
        completion_waiter=LocalCompletionWaiter(bus),
        wait_slots=LocalWaitSlots(),
        clock=clock,
        ids=ids,
        offloader=ProcessOffloader(),
    )
