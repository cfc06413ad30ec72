"""Writes events to rooms: encoded once, and to each client's WebSocket once for all events of a moment.

This is the fast path. It is entered from the cursor-ordered emit alone (emit_event); whatever else is sent takes
python-socketio's way, after what the rooms were told before.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from typing import Any

import engineio
import socketio

from backend.relay.metrics import RelayMetrics
from backend.relay.rooms.encoding import EncodedEvent
from backend.relay.transport.relay_socket import RelaySocket
from backend.relay.transport.websocket_protocol import RelayWebSocketProtocol
from shared.events import Event

logger = logging.getLogger(__name__)

# Where frames are written past the libraries' own writers, only these were tried.
KNOWN_VERSIONS = {
    "python-socketio": "5.18.1",
    "python-engineio": "4.15.1",
    "uvicorn": "0.54.0",
    "websockets": "16.1.1",
}
# Rooms are written to at once, unless they just were: then what comes in a pause goes out together. The pause is as
# long as the writing took, up to a bound, and twice as long where the event loop has fallen behind meanwhile: at most
# a half of the time, and under load about a third, goes into writing.
_SHORTEST_PERIOD_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.02
_BEHIND_SECONDS = 0.002
# So much is written at once without waiting for more.
_MOST_PENDING_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Audience:
    """A room's clients: those whose WebSocket is written to directly, and the others."""

    direct: tuple[RelayWebSocketProtocol, ...]
    queued: tuple[RelaySocket, ...]

    def holds(self, socket: RelaySocket) -> bool:
        """Whether the socket is among them."""
        return socket in self.queued or socket.protocol in self.direct


class Broadcaster(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio ships no types
    """The client manager of the relay.

    Args:
        metrics: where deliveries and flushes are counted.
        encode: makes an event what is sent.
        is_enabled: whether WebSockets may be written to directly.
    """

    def __init__(
        self, metrics: RelayMetrics, encode: Callable[[Event], EncodedEvent], *, is_enabled: bool = True
    ) -> None:
        super().__init__()
        self._encode = encode
        self._metrics = metrics
        self._is_enabled = is_enabled and _versions_are_known()
        self._audiences: dict[str, Audience] = {}
        self._pending: dict[str, list[bytes]] = {}
        self._pending_bytes = 0
        self._flushing: asyncio.Handle | None = None
        self._next_flush = 0.0
        self._pause = 0.0

    def may_write_directly(self, protocol: RelayWebSocketProtocol | None) -> bool:
        """Whether a socket may be written to past python-engineio's queue."""
        if self._is_enabled and protocol is None:
            self._is_enabled = False
            logger.warning("Events are written by the stock path: the server is not the one that the relay knows")
        return self._is_enabled and protocol is not None and protocol.is_plain

    def note_change(self, socket: RelaySocket) -> None:
        """A socket begins or ends to be written to directly: what was told before this goes out first."""
        self.flush()
        self._forget([room for room, audience in self._audiences.items() if audience.holds(socket)])

    def emit_event(self, room: str, event: Event) -> None:
        """Send an event to a room (a client is a room of its own). In order for each room; never waits for anybody."""
        audience = self._audience(room)
        if not audience.direct and not audience.queued:
            return
        encoded = self._encode(event)
        self._metrics.deliveries += len(audience.direct) + len(audience.queued)
        if audience.queued:
            packet = engineio.packet.Packet(engineio.packet.MESSAGE, encoded.text)
            for socket in audience.queued:
                socket.push(packet)
        if audience.direct:
            self._pending.setdefault(room, []).append(encoded.frame)
            self._pending_bytes += len(encoded.frame)
            self._schedule()

    def flush(self) -> None:
        """Write what rooms were told and was not written yet."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if not self._pending:
            return
        pending, self._pending, self._pending_bytes = self._pending, {}, 0
        began = monotonic()
        for room, frames in pending.items():
            data = frames[0] if len(frames) == 1 else b"".join(frames)
            for protocol in self._audience(room).direct:
                protocol.write_frames(data)
            self._metrics.count_flush(len(frames))
        ended = monotonic()
        self._pause = min(ended - began, _LONGEST_PAUSE_SECONDS)
        self._next_flush = max(began + _SHORTEST_PERIOD_SECONDS, ended + self._pause)

    async def emit(self, *args: Any, **kwargs: Any) -> None:
        """See socketio.AsyncManager."""
        self.flush()
        await super().emit(*args, **kwargs)

    async def enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:
        """See socketio.AsyncManager."""
        self.flush()  # a newcomer was replayed what the room was told so far
        await super().enter_room(sid, namespace, room, eio_sid=eio_sid)
        self._forget([room])

    async def leave_room(self, sid: str, namespace: str, room: str) -> None:
        """See socketio.AsyncManager."""
        self.flush()
        await super().leave_room(sid, namespace, room)
        self._forget([room])

    async def disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        """See socketio.AsyncManager."""
        entered = self.rooms.get(namespace, {})
        left = [room for room in self._audiences if sid in entered.get(room, ())]
        await super().disconnect(sid, namespace, **kwargs)
        self._forget(left)

    def _schedule(self) -> None:
        if self._pending_bytes > _MOST_PENDING_BYTES:
            self.flush()
        elif self._flushing is None:
            loop = asyncio.get_running_loop()
            left = self._next_flush - monotonic()
            self._flushing = loop.call_soon(self.flush) if left <= 0 else loop.call_later(left, self._flush_or_wait)

    def _flush_or_wait(self) -> None:
        """The pause is over."""
        if monotonic() - self._next_flush > _BEHIND_SECONDS:
            self._flushing = asyncio.get_running_loop().call_later(self._pause, self.flush)
        else:
            self.flush()

    def _forget(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            self._audiences.pop(room, None)

    def _audience(self, room: str) -> Audience:
        known = self._audiences.get(room)
        if known is not None:
            return known
        direct: list[RelayWebSocketProtocol] = []
        queued: list[RelaySocket] = []
        for _sid, eio_sid in self.get_participants("/", room):
            socket: RelaySocket | None = self.server.eio.sockets.get(eio_sid)
            if socket is None or socket.closed or socket.dropped:
                continue
            if socket.is_direct and socket.protocol is not None:
                direct.append(socket.protocol)
            else:
                queued.append(socket)
        audience = Audience(tuple(direct), tuple(queued))
        if audience.direct or audience.queued:
            self._audiences[room] = audience
        return audience


def _versions_are_known() -> bool:
    unknown = [f"{name} {found}" for name, known in KNOWN_VERSIONS.items() if (found := version(name)) != known]
    if unknown:
        logger.warning("Events are written by the stock path: %s is not what the relay knows", ", ".join(unknown))
    return not unknown
