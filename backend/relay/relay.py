"""The relay: subscribe, unsubscribe, and who may. Everything about order is in room_cursor.py."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from backend.relay.client import Ack, Client, ClientDisconnectedError, no_project, refusal
from backend.relay.connections import Connections
from backend.relay.event_source import EventSource
from backend.relay.metrics import RelayMetrics
from backend.relay.rooms.coalesced_readers import SharedAccess
from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.rooms import Fanout
from backend.relay.settings import RelaySettings
from backend.relay.subscription import InvalidSubscriptionError, parse_subscription, parse_unsubscription
from backend.relay.transport.relay_socket_server import RelaySocketServer
from shared.access import AccessReader
from shared.event_log import EventLogReader, LogUnavailableError
from shared.events import CONTRACT_VERSION, Event, room_of
from shared.identity import Authenticator, Identity

logger = logging.getLogger(__name__)

# Requests of one client that wait for each other; beyond that it is told to wait for answers.
_MOST_WAITING_REQUESTS = 256
_LOOK_SECONDS = 0.02


class Relay:
    """Broadcasts the events of projects to the clients that subscribed to them. Keeps nothing that matters."""

    def __init__(
        self,
        authenticator: Authenticator,
        access: AccessReader,
        log: EventLogReader,
        settings: RelaySettings,
        metrics: RelayMetrics | None = None,
    ) -> None:
        self.metrics = metrics or RelayMetrics()
        self._access = SharedAccess(access, asyncio.Semaphore(settings.max_log_reads))
        self._settings = settings
        cache = EventCache(settings.recent_bytes, settings.recent_seconds)
        self.sio = RelaySocketServer(settings, self.metrics, cache.encode)
        self._connections = Connections(self.sio, authenticator, settings, self.metrics)
        self._fanout = Fanout(log, cache, self._emit_to_room, self._check_access, settings, self.metrics)
        self.sio.on("connect", self._connections.connect)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("subscribe", self._in_turn(self._subscribe))
        self.sio.on("unsubscribe", self._in_turn(self._unsubscribe))

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    @property
    def rooms(self) -> int:
        """How many projects somebody hears now."""
        return self._fanout.rooms

    async def run(self, source: EventSource) -> None:
        """Pass on the source's events until cancelled."""
        try:
            await self._fanout.run(source)
        finally:
            await self._fanout.close()
            await self._access.close()

    async def drain_clients(self, seconds: float) -> None:
        """Take no client in from now on, and have those that are here connect again elsewhere, over at most so long."""
        await self.sio.drain_clients(seconds)

    async def _disconnect(self, sid: str, *_reason: object) -> None:
        if self.sio.manager.is_connected(sid, "/"):
            return  # python-socketio also calls this for an event that a client named "disconnect"
        client = self._connections.remove(sid)
        for project_id in tuple(client.projects if client else ()):
            await self._fanout.leave(project_id, sid)

    def _in_turn(
        self, handle: Callable[[str, Client, tuple[object, ...]], Awaitable[Ack]]
    ) -> Callable[..., Awaitable[Ack]]:
        async def handle_in_turn(sid: str, *payload: object) -> Ack:
            client = self._connections.get(sid)
            if client is None:  # it was closed between its packet and its turn to be handled
                return _disconnected()
            if client.waiting >= _MOST_WAITING_REQUESTS:
                return refusal("too_many_requests", f"At most {_MOST_WAITING_REQUESTS} requests at a time.")
            client.waiting += 1
            try:
                async with client.lock:
                    return await handle(sid, client, payload)
            except InvalidSubscriptionError as error:
                return refusal("invalid_subscription", str(error))
            except ClientDisconnectedError:
                return _disconnected()
            except LogUnavailableError as error:
                logger.warning("A request of a client was refused: %s", error)
                return refusal("storage_unavailable", str(error))
            except Exception:
                # The log could not be read, or there is a bug here: the client must not wait for an answer for ever.
                logger.exception("A request of a client failed")
                return refusal("internal_error", "Internal server error. It has been logged; try again.")
            finally:
                client.waiting -= 1

        return handle_in_turn

    async def _subscribe(self, sid: str, client: Client, payload: tuple[object, ...]) -> Ack:
        subscription = parse_subscription(payload, self._settings.max_after)
        project_id = subscription.project_id
        if not await self._may_hear(client.identity, project_id):
            return no_project(project_id)
        await self._leave(sid, client, project_id)
        if self._connections.get(sid) is None:
            raise ClientDisconnectedError
        if len(client.projects) >= self._settings.max_rooms:
            return refusal("too_many_rooms", f"At most {self._settings.max_rooms} projects at a time.")
        client.projects.add(project_id)
        try:
            admission = await self._fanout.enter(
                project_id,
                sid,
                subscription.after,
                lambda event: self._send(sid, client, event),
                lambda: self._join(sid, client, project_id),
                lambda: self._until_taken(sid),
            )
        except BaseException:
            await self._leave(sid, client, project_id)
            raise
        # Whoever was removed while the replay ran was let in by what was true before.
        if project_id not in client.projects or not await self._may_hear(client.identity, project_id):
            await self._leave(sid, client, project_id)
            return no_project(project_id)
        return {
            "ok": True,
            "room": room_of(project_id),
            "version": CONTRACT_VERSION,
            "last_seq": admission.last_seq,
            "truncated": admission.truncated,
            "deleted": admission.deleted,
        }

    async def _unsubscribe(self, sid: str, client: Client, payload: tuple[object, ...]) -> Ack:
        project_id = parse_unsubscription(payload).project_id
        await self._leave(sid, client, project_id)
        return {"ok": True, "room": room_of(project_id)}

    async def _may_hear(self, identity: Identity, project_id: str) -> bool:
        access = await self._access.find_access(project_id)
        return access is not None and access.may_use(identity.user_id)

    async def _send(self, sid: str, client: Client, event: Event) -> None:
        if event.project_id in client.projects:
            self.sio.manager.emit_event(sid, event)

    async def _until_taken(self, sid: str) -> None:
        """Wait while much of what the client was sent is still on its way."""
        while (socket := self.sio.socket_of(sid)) is not None and not socket.closed:
            if socket.may_be_sent_more:
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise ClientDisconnectedError

    async def _join(self, sid: str, client: Client, project_id: str) -> None:
        if self._connections.get(sid) is None or project_id not in client.projects:
            return  # it went away, or lost its access, while it was being let in; whoever saw to that cleans up
        await self.sio.enter_room(sid, room_of(project_id))

    async def _leave(self, sid: str, client: Client, project_id: str) -> None:
        if project_id in client.projects:
            client.projects.discard(project_id)
            await self.sio.leave_room(sid, room_of(project_id))
            await self._fanout.leave(project_id, sid)

    async def _check_access(self, project_id: str, sids: frozenset[str]) -> None:
        access = await self._access.find_access(project_id)
        for sid in sids:
            client = self._connections.get(sid)
            if client is None:
                continue
            if access is None or not access.may_use(client.identity.user_id):
                # Told before it leaves: with its last listener the room closes, and with it the task that runs this.
                await self.sio.emit("access_lost", {"project_id": project_id, "room": room_of(project_id)}, to=sid)
                await self._leave(sid, client, project_id)

    def _emit_to_room(self, project_id: str, event: Event) -> None:
        self.sio.manager.emit_event(room_of(project_id), event)


def _disconnected() -> Ack:
    return refusal("disconnected", "The socket was closed meanwhile.")
