"""The Socket.IO server: connect, subscribe, unsubscribe. Everything about order is in room_cursor.py."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import socketio

from backend.relay.event_source import EventSource
from backend.relay.fanout import Fanout
from backend.relay.room_manager import RoomManager
from backend.relay.settings import RelaySettings
from backend.relay.subscription import InvalidSubscriptionError, parse_subscription, parse_unsubscription
from shared.access import AccessReader
from shared.event_log import EventLogReader
from shared.events import CONTRACT_VERSION, Event, event_payload, room_of
from shared.identity import Authenticator, Identity, InvalidTokenError

logger = logging.getLogger(__name__)

Ack = dict[str, Any]


@dataclass
class Client:
    """A connected socket: who it is, and the projects it hears."""

    identity: Identity
    projects: set[str] = field(default_factory=set)
    # One subscription at a time: two replays at once would mix.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    expiry: asyncio.Task[None] | None = None


# Stands for a socket that was closed between its packet and its turn to be handled.
_GONE = Client(Identity(""))


class Relay:
    """Broadcasts the events of projects to the clients that subscribed to them. Keeps nothing that matters."""

    def __init__(
        self, authenticator: Authenticator, access: AccessReader, log: EventLogReader, settings: RelaySettings
    ) -> None:
        self._authenticator = authenticator
        self._access = access
        self._settings = settings
        self._clients: dict[str, Client] = {}
        self._fanout = Fanout(log, self._emit_to_room, self._check_access, settings)
        self.sio = socketio.AsyncServer(
            async_mode="asgi",
            client_manager=RoomManager(),
            cors_allowed_origins=None if settings.origins is None else list(settings.origins),
            ping_interval=settings.ping_seconds,
            ping_timeout=settings.ping_seconds,
            max_http_buffer_size=settings.max_packet_bytes,
            http_compression=False,
        )
        self.sio.on("connect", self._connect)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("subscribe", self._subscribe)
        self.sio.on("unsubscribe", self._unsubscribe)

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._clients)

    async def run(self, source: EventSource) -> None:
        """Pass on the source's events until cancelled."""
        try:
            await self._fanout.run(source)
        finally:
            await self._fanout.close()

    async def _connect(self, sid: str, environ: object, auth: object = None) -> None:
        if environ is not self.sio.get_environ(sid):
            return  # python-socketio also calls this for an event that a client named "connect"
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            identity = await self._authenticator.authenticate(token if isinstance(token, str) else None)
        except InvalidTokenError as error:
            raise socketio.exceptions.ConnectionRefusedError(str(error), {"code": "invalid_token"}) from error
        if self.sio.get_environ(sid) is None:
            # It hung up while it was being identified; nobody will ever tell of its end.
            raise socketio.exceptions.ConnectionRefusedError("disconnected")
        client = Client(identity)
        if identity.expires_at is not None:
            left = (identity.expires_at - datetime.now(UTC)).total_seconds()
            if left <= 0:  # within the leeway of the clocks, but a socket that ends at once is of no use
                raise socketio.exceptions.ConnectionRefusedError("The token has expired.", {"code": "invalid_token"})
            client.expiry = asyncio.create_task(self._disconnect_after(sid, left))
        self._clients[sid] = client

    async def _disconnect(self, sid: str, *_reason: object) -> None:
        if self.sio.manager.is_connected(sid, "/"):
            return  # likewise for one that a client named "disconnect"
        client = self._clients.pop(sid, None)
        if client is None:
            return
        if client.expiry is not None:
            client.expiry.cancel()
        for project_id in tuple(client.projects):
            await self._fanout.leave(project_id, sid)

    async def _disconnect_after(self, sid: str, seconds: float) -> None:
        """A socket dies with its token."""
        await asyncio.sleep(max(0.0, seconds))
        self._clients[sid].expiry = None  # its end is at hand, and must not cancel this task
        await self.sio.disconnect(sid)

    async def _subscribe(self, sid: str, *payload: object) -> Ack:
        client = self._clients.get(sid, _GONE)
        async with client.lock:
            try:
                subscription = parse_subscription(payload, self._settings.max_after)
            except InvalidSubscriptionError as error:
                return _refusal("invalid_subscription", str(error))
            project_id = subscription.project_id
            if not await self._may_hear(client.identity, project_id):
                return _no_project(project_id)
            await self._leave(sid, client, project_id)
            if sid not in self._clients:
                return _refusal("disconnected", "The socket was closed meanwhile.")
            client.projects.add(project_id)
            admission = await self._fanout.enter(
                project_id,
                sid,
                subscription.after,
                lambda event: self._send(sid, client, event),
                lambda: self._join(sid, client, project_id),
            )
            # Whoever was removed while the replay ran was let in by what was true before.
            if project_id not in client.projects or not await self._may_hear(client.identity, project_id):
                await self._leave(sid, client, project_id)
                return _no_project(project_id)
        return {
            "ok": True,
            "room": room_of(project_id),
            "version": CONTRACT_VERSION,
            "last_seq": admission.last_seq,
            "truncated": admission.truncated,
            "deleted": admission.deleted,
        }

    async def _unsubscribe(self, sid: str, *payload: object) -> Ack:
        client = self._clients.get(sid, _GONE)
        async with client.lock:
            try:
                project_id = parse_unsubscription(payload).project_id
            except InvalidSubscriptionError as error:
                return _refusal("invalid_subscription", str(error))
            await self._leave(sid, client, project_id)
        return {"ok": True, "room": room_of(project_id)}

    async def _may_hear(self, identity: Identity, project_id: str) -> bool:
        access = await self._access.find_access(project_id)
        return access is not None and access.may_use(identity.user_id)

    async def _send(self, sid: str, client: Client, event: Event) -> None:
        if event.project_id in client.projects:
            await self.sio.emit(event.type, event_payload(event), to=sid)

    async def _join(self, sid: str, client: Client, project_id: str) -> None:
        if sid not in self._clients or project_id not in client.projects:
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
            client = self._clients.get(sid)
            if client is None:
                continue
            if access is None or not access.may_use(client.identity.user_id):
                # Told before it leaves: with its last listener the room closes, and with it the task that runs this.
                await self.sio.emit("access_lost", {"project_id": project_id, "room": room_of(project_id)}, to=sid)
                await self._leave(sid, client, project_id)

    async def _emit_to_room(self, project_id: str, event: Event) -> None:
        await self.sio.emit(event.type, event_payload(event), room=room_of(project_id))


def _no_project(project_id: str) -> Ack:
    return _refusal("project_not_found", f"There is no project {project_id} that you may use.")


def _refusal(code: str, detail: str) -> Ack:
    return {"ok": False, "code": code, "detail": detail}
