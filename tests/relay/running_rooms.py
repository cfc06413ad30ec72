"""Running rooms: all events that they emit are recorded by project."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.relay.rooms.rooms import Rooms
from shared.events import Event
from tests.relay.room_fixtures import Recorder, Source, WatchedLog, event_cache

NEVER = 3_600.0
OFTEN = 0.01


class RunningRooms:
    """Rooms, their source, a recorder for each project, and a gate for access checks."""

    def __init__(self, log: WatchedLog, backfill_seconds: float) -> None:
        self.source = Source()
        self.rooms = Rooms(log, event_cache(), self._emit, self._check_access, backfill_seconds)
        self._recorders: dict[str, Recorder] = {}
        self.checked: asyncio.Queue[tuple[str, set[str]]] = asyncio.Queue()
        self.may_check = asyncio.Event()
        self.may_check.set()

    async def subscribe(self, project_id: str, sid: str = "sid-1") -> Recorder:
        """Subscribe a client. Returns the recorder of the project's room."""
        await self.rooms.subscribe(project_id, Recorder(sid=sid), {})
        return self._recorder(project_id)

    def _recorder(self, project_id: str) -> Recorder:
        return self._recorders.setdefault(project_id, Recorder())

    def _emit(self, project_id: str, event: Event) -> None:
        self._recorder(project_id).record(event)

    async def _check_access(self, project_id: str, sids: frozenset[str]) -> None:
        self.checked.put_nowait((project_id, set(sids)))
        await self.may_check.wait()


@asynccontextmanager
async def running(log: WatchedLog, backfill_seconds: float) -> AsyncIterator[RunningRooms]:
    """Rooms that run until the block ends."""
    rooms = RunningRooms(log, backfill_seconds)
    task = asyncio.create_task(rooms.rooms.run(rooms.source))
    try:
        await rooms.source.asked.wait()
        yield rooms
    finally:
        task.cancel()
        await asyncio.wait({task})
        await rooms.rooms.close()
