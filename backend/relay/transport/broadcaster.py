"""Writes events to rooms: each event is encoded once, and concurrent events of a room are written together.

This is the fast path. Only emit_event uses it, whose events the room cursors have ordered; everything else is sent by
python-socketio, after the events that were emitted before.
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
from backend.relay.transport.event_frames import packet_text
from backend.relay.transport.relay_socket import RelaySocket
from backend.relay.transport.websocket_protocol import RelayWebSocketProtocol
from shared.events import Event

logger = logging.getLogger(__name__)

# The fast path bypasses the writers of these libraries and was tested with these versions only.
KNOWN_VERSIONS = {
    "python-socketio": "5.18.1",
    "python-engineio": "4.15.1",
    "uvicorn": "0.54.0",
    "websockets": "16.1.1",
}
# Events are written immediately, unless others were just written: then all events of a pause are written together. The
# pause is as long as the last writes took, up to a bound, and twice as long if the event loop is behind: at most half
# of the time, and under load about a third, is spent on writes.
_SHORTEST_PERIOD_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.02
_BEHIND_SECONDS = 0.002
# With more pending bytes the pause ends early.
_MOST_PENDING_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Audience:
    """A room's clients: those with direct writes to their WebSocket, and the others."""

    direct: tuple[RelayWebSocketProtocol, ...]
    queued: tuple[RelaySocket, ...]

    def holds(self, socket: RelaySocket) -> bool:
        """Whether the socket is among them."""
        return socket in self.queued or socket.protocol in self.direct


class Broadcaster(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio ships no types
    """The client manager of the relay.

    Args:
        metrics: counts deliveries and flushes.
        encode: encodes an event as a WebSocket frame (see event_frames.py).
        is_enabled: whether direct writes to WebSockets are allowed.
    """

    def __init__(self, metrics: RelayMetrics, encode: Callable[[Event], bytes], *, is_enabled: bool = True) -> None:
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
        """Whether writes to a socket may bypass python-engineio's queue."""
        if self._is_enabled and protocol is None:
            self._is_enabled = False
            logger.warning("Events take the default path: the HTTP server is not the relay's own")
        return self._is_enabled and protocol is not None and protocol.is_plain

    def note_change(self, socket: RelaySocket) -> None:
        """A socket starts or ends direct writes: earlier events are written first."""
        self.flush()
        self._invalidate([room for room, audience in self._audiences.items() if audience.holds(socket)])

    def emit_event(self, room: str, event: Event) -> None:
        """Send an event to a room, or to one client by its sid. In order for each room; never waits for a client."""
        audience = self._audience(room)
        if not audience.direct and not audience.queued:
            return
        frame = self._encode(event)
        self._metrics.deliveries += len(audience.direct) + len(audience.queued)
        if audience.queued:
            packet = engineio.packet.Packet(engineio.packet.MESSAGE, packet_text(frame))
            for socket in audience.queued:
                socket.push(packet)
        if audience.direct:
            self._pending.setdefault(room, []).append(frame)
            self._pending_bytes += len(frame)
            self._schedule()

    def flush(self) -> None:
        """Write all pending events."""
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
        self.flush()  # a new subscriber has the events so far by replay
        await super().enter_room(sid, namespace, room, eio_sid=eio_sid)
        self._invalidate([room])

    async def leave_room(self, sid: str, namespace: str, room: str) -> None:
        """See socketio.AsyncManager."""
        self.flush()
        await super().leave_room(sid, namespace, room)
        self._invalidate([room])

    async def disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        """See socketio.AsyncManager."""
        entered = self.rooms.get(namespace, {})
        left = [room for room in self._audiences if sid in entered.get(room, ())]
        await super().disconnect(sid, namespace, **kwargs)
        self._invalidate(left)

    def _schedule(self) -> None:
        if self._pending_bytes > _MOST_PENDING_BYTES:
            self.flush()
        elif self._flushing is None:
            loop = asyncio.get_running_loop()
            left = self._next_flush - monotonic()
            self._flushing = loop.call_soon(self.flush) if left <= 0 else loop.call_later(left, self._flush_or_wait)

    def _flush_or_wait(self) -> None:
        """Flush after the pause, or after another one if the event loop is behind."""
        if monotonic() - self._next_flush > _BEHIND_SECONDS:
            self._flushing = asyncio.get_running_loop().call_later(self._pause, self.flush)
        else:
            self.flush()

    def _invalidate(self, rooms: Iterable[str]) -> None:
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
        logger.warning("Events take the default path: the fast path was not tested with %s", ", ".join(unknown))
    return not unknown
