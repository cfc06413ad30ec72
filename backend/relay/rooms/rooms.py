"""Which rooms are heard, and how events get to them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic

from backend.relay.event_source import EventSource
from backend.relay.metrics import RelayMetrics
from backend.relay.rooms.coalesced_readers import CoalescedEventLog
from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.room_cursor import RoomCursor, Send, SubscribeResult, at_once
from backend.relay.settings import RelaySettings
from shared.bus_messages import BusMessage
from shared.event_log import EventLogReader
from shared.events import Event

logger = logging.getLogger(__name__)

# Events that may wait for one room; what does not fit is dropped here and read from the log instead.
_MAX_WAITING_EVENTS = 5_000

EmitToRoom = Callable[[str, Event], None]
# Given a project and its listeners: removes those who may no longer hear it.
CheckAccess = Callable[[str, frozenset[str]], Awaitable[None]]


class Room:
    """One project's listeners, and how events are passed on to them in the order they came in.

    Most are passed on as they come. One that must wait, for the log or for a newcomer, is left to a task, and so are
    those that come after it.
    """

    def __init__(self, cursor: RoomCursor, check_access: Callable[[], Awaitable[None]]) -> None:
        self.cursor = cursor
        self._check_access = check_access
        self.listeners: set[str] = set()
        self.last_event = 0.0
        self._waiting: asyncio.Queue[BusMessage] = asyncio.Queue(_MAX_WAITING_EVENTS)
        self._is_busy = False
        self._task = asyncio.create_task(self._pass_on())

    def offer(self, event: BusMessage) -> None:
        """Take an event of the bus. Never waits; one too many is dropped, and mended from the log."""
        self.last_event = monotonic()
        if event.type != "access_changed" and not self._is_busy and self._waiting.empty():
            try:
                if self.cursor.try_handle_now(event):
                    return
            except Exception:
                # Told to nobody, or not to all: the room must live on, as below.
                logger.exception("An event of project %s was not passed on", event.project_id)
                return
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)

    async def close(self) -> None:
        """Stop. Safe to repeat."""
        self._task.cancel()
        if asyncio.current_task() is not self._task:
            await asyncio.wait({self._task})

    async def _pass_on(self) -> None:
        while True:
            event = await self._waiting.get()
            self._is_busy = True
            try:
                if event.type == "access_changed":
                    # In its turn: what happened before is still heard by those who could hear it then.
                    await self._check_access()
                else:
                    await self.cursor.hear(event)
            except Exception:
                # The log could not be read: the room must live on, and the next fill mends the hole.
                logger.exception("An event of project %s was not passed on", event.project_id)
            finally:
                self._is_busy = False


class Fanout:
    """The rooms that somebody hears. A room nobody hears costs nothing."""

    def __init__(
        self,
        log: EventLogReader,
        cache: EventCache,
        emit_to_room: EmitToRoom,
        check_access: CheckAccess,
        settings: RelaySettings,
        metrics: RelayMetrics | None = None,
    ) -> None:
        self._metrics = metrics or RelayMetrics()
        self._cache = cache
        self._log = CoalescedEventLog(log, self._cache, asyncio.Semaphore(settings.max_log_reads), self._metrics)
        self._emit_to_room = emit_to_room
        self._check_access = check_access
        self._settings = settings
        self._rooms: dict[str, Room] = {}

    @property
    def rooms(self) -> int:
        """How many rooms are heard now."""
        return len(self._rooms)

    async def run(self, source: EventSource) -> None:
        """Pass on what the source brings, and mend holes in between, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(source))
            tasks.create_task(self._fill_regularly())
            tasks.create_task(self._check_access_regularly())

    async def enter(
        self,
        project_id: str,
        sid: str,
        after: Mapping[str, int],
        send: Send,
        join: Callable[[], Awaitable[None]],
        until_taken: Callable[[], Awaitable[None]] = at_once,
    ) -> SubscribeResult:
        """Let a client into a project's room, with replay. See RoomCursor.admit."""
        room = self._rooms.get(project_id)
        if room is None:
            room = self._rooms[project_id] = Room(
                RoomCursor(project_id, self._log, lambda event: self._emit_to_room(project_id, event), self._cache),
                lambda: self._check_room(project_id),
            )
        room.listeners.add(sid)
        room.last_event = monotonic()
        try:
            return await room.cursor.admit(after, send, join, until_taken)
        except BaseException:
            await self.leave(project_id, sid)
            raise

    async def leave(self, project_id: str, sid: str) -> None:
        """A client no longer hears the room. Safe to repeat."""
        room = self._rooms.get(project_id)
        if room is None:
            return
        room.listeners.discard(sid)
        if not room.listeners:
            del self._rooms[project_id]
            await room.close()

    async def close(self) -> None:
        """Close all rooms. Safe to repeat."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            await room.close()
        await self._log.close()

    async def _hear(self, source: EventSource) -> None:
        while True:
            for event in await source.receive():
                room = self._rooms.get(event.project_id)
                if room is not None:
                    room.offer(event)

    async def _check_access_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.access_seconds)
            for project_id in list(self._rooms):
                await self._check_room(project_id)

    async def _check_room(self, project_id: str) -> None:
        room = self._rooms.get(project_id)
        if room is None:
            return
        try:
            await self._check_access(project_id, frozenset(room.listeners))
        except Exception:
            # Who may hear could not be read: nobody is let in meanwhile, and the next check comes soon.
            logger.exception("Who may hear project %s was not checked", project_id)

    async def _fill_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.fill_seconds)
            active_since = monotonic() - self._settings.active_seconds
            for project_id, room in list(self._rooms.items()):
                if room.last_event < active_since:
                    continue
                try:
                    holes = await room.cursor.fill()
                except Exception:
                    # One project's log cannot be read: the others are still due, and this one comes round again.
                    logger.exception("The room of project %s was not compared with the log", project_id)
                else:
                    if holes:
                        self._metrics.gaps_filled += holes
                        logger.warning("Holes in %s sessions of project %s were filled", holes, project_id)
