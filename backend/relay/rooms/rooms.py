"""The rooms that have subscribers, and the delivery of events to them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

from backend.relay.event_source import EventSource
from backend.relay.metrics import RelayMetrics
from backend.relay.rooms.coalesced_readers import CoalescedEventLog
from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.room import Room
from backend.relay.rooms.room_cursor import RoomCursor
from backend.relay.rooms.subscriber import Subscriber, SubscribeResult
from shared.event_log import EventLogReader
from shared.events import Event

logger = logging.getLogger(__name__)

# How often all subscribers' access is checked, beside the checks upon access_changed.
ACCESS_CHECK_SECONDS = 60.0
# Only rooms with an event or a subscription in this time are compared with the log.
ACTIVE_SECONDS = 15 * 60.0
# Concurrent reads of the log: enough to hide its latency, too few to overload it when all clients reconnect.
MAX_LOG_READS = 8

EmitToRoom = Callable[[str, Event], None]
# Given a project and its subscribers: unsubscribes those that have no access.
CheckAccess = Callable[[str, frozenset[str]], Awaitable[None]]


class Rooms:
    """The rooms that have subscribers; a room without any does not exist.

    Args:
        log: the event log.
        cache: keeps emitted events for later subscribers.
        emit: emits an event to a project's room.
        check_access: unsubscribes those that lost their access.
        backfill_seconds: how often rooms are compared with the log.
        metrics: counts gaps and reads of the log.
    """

    def __init__(
        self,
        log: EventLogReader,
        cache: EventCache,
        emit: EmitToRoom,
        check_access: CheckAccess,
        backfill_seconds: float,
        metrics: RelayMetrics | None = None,
    ) -> None:
        self._metrics = metrics or RelayMetrics()
        self._cache = cache
        self._log = CoalescedEventLog(log, cache, asyncio.Semaphore(MAX_LOG_READS), self._metrics)
        self._emit = emit
        self._check_access = check_access
        self._backfill_seconds = backfill_seconds
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    async def run(self, source: EventSource) -> None:
        """Emit the source's events, and backfill regularly, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(source))
            tasks.create_task(self._reconcile_regularly())
            tasks.create_task(self._check_access_regularly())

    async def subscribe(self, project_id: str, subscriber: Subscriber, after: Mapping[str, int]) -> SubscribeResult:
        """Subscribe a client to a project's room, with replay. See RoomCursor.subscribe."""
        room = self._rooms.get(project_id)
        if room is None:
            room = self._rooms[project_id] = self._open_room(project_id)
        room.subscribers.add(subscriber.sid)
        room.last_event = monotonic()
        try:
            return await room.cursor.subscribe(subscriber, after)
        except BaseException:
            await self.unsubscribe(project_id, subscriber.sid)
            raise

    async def unsubscribe(self, project_id: str, sid: str) -> None:
        """Remove a client from the room; without any it is closed. Safe to repeat."""
        room = self._rooms.get(project_id)
        if room is None:
            return
        room.subscribers.discard(sid)
        if not room.subscribers:
            del self._rooms[project_id]
            await room.close()

    async def close(self) -> None:
        """Close all rooms. Safe to repeat."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            await room.close()
        await self._log.close()

    def _open_room(self, project_id: str) -> Room:
        cursor = RoomCursor(project_id, self._log, lambda event: self._emit(project_id, event), self._cache)
        return Room(cursor, lambda: self._check_room(project_id))

    async def _receive(self, source: EventSource) -> None:
        while True:
            for event in await source.receive():
                room = self._rooms.get(event.project_id)
                if room is not None:
                    room.offer(event)

    async def _check_access_regularly(self) -> None:
        while True:
            await asyncio.sleep(ACCESS_CHECK_SECONDS)
            for project_id in list(self._rooms):
                await self._check_room(project_id)

    async def _check_room(self, project_id: str) -> None:
        room = self._rooms.get(project_id)
        if room is None:
            return
        try:
            await self._check_access(project_id, frozenset(room.subscribers))
        except Exception:
            # New subscriptions are refused as long as access cannot be read, and the next check comes soon.
            logger.exception("The access of the subscribers of project %s was not checked", project_id)

    async def _reconcile_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._backfill_seconds)
            active_since = monotonic() - ACTIVE_SECONDS
            for project_id, room in list(self._rooms.items()):
                if room.last_event >= active_since:
                    await self._reconcile(project_id, room)

    async def _reconcile(self, project_id: str, room: Room) -> None:
        try:
            gaps = await room.cursor.reconcile()
        except Exception:
            # The log of one project is not readable: the others are still due, and this one is tried again.
            logger.exception("The room of project %s was not compared with the log", project_id)
            return
        if gaps:
            self._metrics.gaps_filled += gaps
            logger.warning("Gaps in %s sessions of project %s were backfilled", gaps, project_id)
