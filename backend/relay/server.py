"""The Socket.IO server: connect, subscribe, unsubscribe. Everything about order is in room_cursor.py."""

import asyncio
import logging
from typing import Any

import socketio

from backend.relay.event_source import EventSource
from backend.relay.fanout import Fanout
from backend.relay.settings import RelaySettings
from backend.relay.subscription import InvalidSubscriptionError, parse_subscription, parse_unsubscription
from shared.access import AccessReader
from shared.event_log import EventLogReader
from shared.events import CONTRACT_VERSION, Event, event_payload, room_of
from shared.identity import Authenticator, Identity, InvalidTokenError

logger = logging.getLogger(__name__)

Ack = dict[str, Any]


class Relay:
    """Broadcasts the events of projects to the clients that subscribed to them. Keeps nothing that matters."""

    def __init__(
        self, authenticator: Authenticator, access: AccessReader, log: EventLogReader, settings: RelaySettings
    ) -> None:
        self._authenticator = authenticator
        self._access = access
        self._settings = settings
        self._fanout = Fanout(log, self._emit_to_room, settings)
        self.sio = socketio.AsyncServer(
            async_mode="asgi",
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

    async def run(self, source: EventSource) -> None:
        """Pass on the source's events until cancelled."""
        try:
            await self._fanout.run(source)
        finally:
            await self._fanout.close()

    async def _connect(self, sid: str, _environ: dict[str, Any], auth: object = None) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            identity = await self._authenticator.authenticate(token if isinstance(token, str) else None)
        except InvalidTokenError as error:
            raise socketio.exceptions.ConnectionRefusedError(str(error), {"code": "invalid_token"}) from error
        # One subscription at a time for a client: two replays at once would mix.
        await self.sio.save_session(sid, {"identity": identity, "lock": asyncio.Lock(), "projects": set()})

    async def _disconnect(self, sid: str, _reason: str) -> None:
        session = await self.sio.get_session(sid)
        for project_id in session.get("projects", ()):
            await self._fanout.leave(project_id, sid)

    async def _subscribe(self, sid: str, *payload: object) -> Ack:
        session = await self.sio.get_session(sid)
        async with session["lock"]:
            try:
                subscription = parse_subscription(payload, self._settings.max_after)
            except InvalidSubscriptionError as error:
                return _refusal("invalid_subscription", str(error))
            project_id = subscription.project_id
            if not await self._may_hear(session["identity"], project_id):
                return _refusal("project_not_found", f"There is no project {project_id} that you may use.")
            await self._leave(sid, session, project_id)
            session["projects"].add(project_id)
            admission = await self._fanout.enter(
                project_id,
                sid,
                subscription.after,
                lambda event: self.sio.emit(event.type, event_payload(event), to=sid),
                lambda: self._join(sid, project_id),
            )
        return {
            "ok": True,
            "room": room_of(project_id),
            "version": CONTRACT_VERSION,
            "last_seq": admission.last_seq,
            "truncated": admission.truncated,
            "deleted": admission.deleted,
        }

    async def _unsubscribe(self, sid: str, *payload: object) -> Ack:
        session = await self.sio.get_session(sid)
        async with session["lock"]:
            try:
                project_id = parse_unsubscription(payload).project_id
            except InvalidSubscriptionError as error:
                return _refusal("invalid_subscription", str(error))
            await self._leave(sid, session, project_id)
        return {"ok": True, "room": room_of(project_id)}

    async def _may_hear(self, identity: Identity, project_id: str) -> bool:
        access = await self._access.find_access(project_id)
        return access is not None and access.may_use(identity.user_id)

    async def _join(self, sid: str, project_id: str) -> None:
        if not self.sio.manager.is_connected(sid, "/"):
            return  # it went away while it was being let in; its disconnect cleans up
        await self.sio.enter_room(sid, room_of(project_id))

    async def _leave(self, sid: str, session: dict[str, Any], project_id: str) -> None:
        if project_id in session["projects"]:
            session["projects"].discard(project_id)
            await self.sio.leave_room(sid, room_of(project_id))
            await self._fanout.leave(project_id, sid)

    async def _emit_to_room(self, project_id: str, event: Event) -> None:
        await self.sio.emit(event.type, event_payload(event), room=room_of(project_id))


def _refusal(code: str, detail: str) -> Ack:
    return {"ok": False, "code": code, "detail": detail}
