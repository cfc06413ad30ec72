"""The relay: handles subscribe and unsubscribe, and checks access. The order of events is in rooms/room_cursor.py."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from backend.relay.clients import Client, ClientDisconnectedError, Clients
from backend.relay.event_source import EventSource
from backend.relay.metrics import RelayMetrics
from backend.relay.room_subscriber import RoomSubscriber
from backend.relay.rooms.coalesced_readers import CoalescedAccess
from backend.relay.rooms.event_cache import CACHE_BYTES, CACHE_SECONDS, EventCache
from backend.relay.rooms.rooms import MAX_LOG_READS, Rooms
from backend.relay.settings import RelaySettings
from backend.relay.subscription import (
    Ack,
    InvalidSubscriptionError,
    parse_subscription,
    parse_unsubscription,
    project_not_found,
    refusal,
    subscribed,
)
from backend.relay.transport.event_frames import FrameEncoder
from backend.relay.transport.relay_socket_server import RelaySocketServer
from shared.access import AccessReader
from shared.event_log import EventLogReader, LogUnavailableError
from shared.events import Event, room_of
from shared.identity import Authenticator

logger = logging.getLogger(__name__)

# Requests of one client without an answer; any more are refused.
_MAX_WAITING_REQUESTS = 256


class Relay:
    """Broadcasts the events of projects to the clients that subscribed to them. Keeps no durable state."""

    def __init__(
        self,
        authenticator: Authenticator,
        access: AccessReader,
        log: EventLogReader,
        settings: RelaySettings,
        metrics: RelayMetrics | None = None,
    ) -> None:
        self.metrics = metrics or RelayMetrics()
        self._access = CoalescedAccess(access, asyncio.Semaphore(MAX_LOG_READS))
        self._max_rooms = settings.max_rooms
        cache = EventCache(FrameEncoder(), CACHE_BYTES, CACHE_SECONDS)
        self.sio = RelaySocketServer(settings, self.metrics, cache.encode)
        self._clients = Clients(self.sio, authenticator, settings.max_user_connections, self.metrics)
        self._rooms = Rooms(log, cache, self._emit, self._check_access, settings.fill_seconds, self.metrics)
        self.sio.on("connect", self._clients.connect)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("subscribe", self._serialized(self._subscribe))
        self.sio.on("unsubscribe", self._serialized(self._unsubscribe))

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    @property
    def rooms(self) -> int:
        """How many projects have subscribers."""
        return len(self._rooms)

    async def run(self, source: EventSource) -> None:
        """Emit the source's events until cancelled."""
        try:
            await self._rooms.run(source)
        finally:
            await self._rooms.close()
            await self._access.close()

    async def drain_clients(self, seconds: float) -> None:
        """Refuse new clients, and have the connected ones reconnect elsewhere, spread over at most `seconds`."""
        await self.sio.drain_clients(seconds)

    async def _disconnect(self, sid: str, *_reason: object) -> None:
        if self.sio.manager.is_connected(sid, "/"):
            return  # python-socketio also calls this for an event that a client named "disconnect"
        client = self._clients.remove(sid)
        for project_id in tuple(client.projects if client else ()):
            await self._rooms.unsubscribe(project_id, sid)

    def _serialized(
        self, handle: Callable[[str, Client, tuple[object, ...]], Awaitable[Ack]]
    ) -> Callable[..., Awaitable[Ack]]:
        """Handle the requests of each client one at a time, and turn errors into refusals."""

        async def handle_request(sid: str, *payload: object) -> Ack:
            client = self._clients.get(sid)
            if client is None:
                return _disconnected()
            if client.waiting >= _MAX_WAITING_REQUESTS:
                return refusal("too_many_requests", f"At most {_MAX_WAITING_REQUESTS} requests at a time.")
            client.waiting += 1
            try:
                async with client.lock:
                    return await handle(sid, client, payload)
            except InvalidSubscriptionError as error:
                return refusal("invalid_subscription", str(error))
            except ClientDisconnectedError:
                return _disconnected()
            except LogUnavailableError as error:
                logger.warning("A client's request was refused: %s", error)
                return refusal("storage_unavailable", str(error))
            except Exception:
                # The log is not readable, or there is a bug: the client must not wait for its answer for ever.
                logger.exception("A client's request failed")
                return refusal("internal_error", "Internal server error. It has been logged; try again.")
            finally:
                client.waiting -= 1

        return handle_request

    async def _subscribe(self, sid: str, client: Client, payload: tuple[object, ...]) -> Ack:
        subscription = parse_subscription(payload)
        project_id = subscription.project_id
        if not await self._has_access(client, project_id):
            return project_not_found(project_id)
        await self._remove_subscription(sid, client, project_id)
        if self._clients.get(sid) is None:
            raise ClientDisconnectedError
        if len(client.projects) >= self._max_rooms:
            return refusal("too_many_rooms", f"At most {self._max_rooms} projects at a time.")
        client.projects.add(project_id)
        subscriber = RoomSubscriber(sid, client, project_id, self.sio, self._clients)
        try:
            result = await self._rooms.subscribe(project_id, subscriber, subscription.after)
        except BaseException:
            await self._remove_subscription(sid, client, project_id)
            raise
        # The client may have lost its access during the replay.
        if project_id not in client.projects or not await self._has_access(client, project_id):
            await self._remove_subscription(sid, client, project_id)
            return project_not_found(project_id)
        return subscribed(project_id, result)

    async def _unsubscribe(self, sid: str, client: Client, payload: tuple[object, ...]) -> Ack:
        project_id = parse_unsubscription(payload).project_id
        await self._remove_subscription(sid, client, project_id)
        return {"ok": True, "room": room_of(project_id)}

    async def _has_access(self, client: Client, project_id: str) -> bool:
        access = await self._access.find_access(project_id)
        return access is not None and access.may_use(client.identity.user_id)

    async def _remove_subscription(self, sid: str, client: Client, project_id: str) -> None:
        if project_id in client.projects:
            client.projects.discard(project_id)
            await self.sio.leave_room(sid, room_of(project_id))
            await self._rooms.unsubscribe(project_id, sid)

    async def _check_access(self, project_id: str, sids: frozenset[str]) -> None:
        access = await self._access.find_access(project_id)
        for sid in sids:
            client = self._clients.get(sid)
            if client is None:
                continue
            if access is None or not access.may_use(client.identity.user_id):
                # Before unsubscribing: without subscribers the room is closed, and with it the task that runs this.
                await self.sio.emit("access_lost", {"project_id": project_id, "room": room_of(project_id)}, to=sid)
                await self._remove_subscription(sid, client, project_id)

    def _emit(self, project_id: str, event: Event) -> None:
        self.sio.manager.emit_event(room_of(project_id), event)


def _disconnected() -> Ack:
    return refusal("disconnected", "The connection was closed during the request.")
