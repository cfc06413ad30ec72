"""python-engineio's socket with a limit to what is pending for its client.

Private hooks of python-engineio that this module touches, each guarded by tests/relay/test_private_hooks.py: the
socket's class is set when it is registered (SocketTable), and poll, send, close, schedule_ping, _upgrade_websocket
and _websocket_handler are overridden. The versions are pinned in pyproject.toml.
"""

import asyncio
import time
from typing import Any

import engineio

from backend.relay.transport.guarded_socket import GuardedSocket
from backend.relay.transport.http_protocol import HTTP_EXTENSION
from backend.relay.transport.outbound_queue import OutboundQueue
from backend.relay.transport.socket_rules import SocketRules
from backend.relay.transport.websocket_protocol import EXTENSION, RelayWebSocketProtocol
from backend.relay.transport.websocket_wire import GuardedWebSocket, frame_of

_POLICY_VIOLATION = 1008
_RESTART = 1012
# An orderly close may take so long; then the connection is aborted.
_LINGER_SECONDS = 10.0
# A polling client's close is answered before its pending poll: otherwise python-engineio's client disconnects first.
_CLOSE_SECONDS = 0.05
# python-engineio's client rejects a response with more.
_MAX_POLLED_PACKETS = 16
# What may be pending for a client during a replay, while much is pending for all of them.
_LITTLE_BYTES = 65_536
# Reasons that are not sent to the client: they would be queued behind what it does not read.
_UNREAD = ("slow", "memory")


class RelaySocket(GuardedSocket):
    """A client's connection. Sending never blocks: what cannot be sent yet is queued, up to max_client_bytes.

    Attributes:
        protocol: the WebSocket of an upgraded socket; None while polling, and on another HTTP server.
        is_direct: frames are written to `protocol` directly, and nothing is queued.
    """

    rules: SocketRules
    protocol: RelayWebSocketProtocol | None
    is_direct: bool
    last_ping: float | None

    def initialize(self, rules: SocketRules) -> None:
        """Initialize a socket that python-engineio just created."""
        self.rules = rules
        self.guard(rules.settings)
        self.queue = OutboundQueue()
        self.protocol = None
        self.is_direct = False
        self._next_ping: asyncio.TimerHandle | None = None
        self._websocket: GuardedWebSocket | None = None
        self._polled_over: list[asyncio.WriteTransport] = []

    @property
    def buffered(self) -> int:
        """The bytes that are pending for the client."""
        unread = sum(transport.get_write_buffer_size() for transport in self._polled_over)
        return int(self.queue.bytes) + unread + (self.protocol.buffered if self.protocol is not None else 0)

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """See GuardedSocket. Responses to polls that the client does not read count as pending."""
        extensions = environ["asgi.scope"].get("extensions") or {}
        transport = extensions.get(HTTP_EXTENSION, {}).get("transport")
        self._polled_over = [one for one in self._polled_over if one is not transport and one.get_write_buffer_size()]
        if transport is not None:
            self._polled_over.append(transport)
        return await super().handle_get_request(environ)

    @property
    def has_capacity(self) -> bool:
        """Whether a replay may send now: little is pending for the client, and not much for all."""
        if self.rules.budget.is_half_spent:
            self.rules.budget.update(self)
            return self.buffered <= _LITTLE_BYTES or not self.rules.budget.is_half_spent
        return self.buffered <= self.rules.settings.max_client_bytes // 2

    async def send(self, pkt: Any) -> None:
        """Send a packet, after all that was sent before. Never waits for the client."""
        if await self.check_ping_timeout():
            self.push(pkt)

    def push(self, pkt: Any) -> None:
        """Send a packet without checking the ping timeout."""
        if self.dropped:
            return
        if self.is_direct and self.protocol is not None:
            if pkt.packet_type != engineio.packet.PING:
                self.rules.flush()  # earlier events of its rooms go first
            self.protocol.write_frames(frame_of(pkt.encode()))
            return
        if pkt.packet_type == engineio.packet.PING:
            self.queue.put_first(pkt)  # behind everything that is queued for a polling client it would be late
            return
        self.queue.put_nowait(pkt)
        self._check_pending()

    def drop(self, reason: str, detail: str = "") -> None:
        """Disconnect the client and discard what is queued; it gets that by replay. Safe to repeat."""
        if self.dropped or self.closed:
            return
        self.dropped = reason
        self.queue.clear()
        self.rules.metrics.drops[reason] += 1
        self.rules.log_drop(f"{reason}: {detail}" if detail else reason)
        if self.protocol is None:
            if self._websocket is not None:
                self._websocket.cut()
            for transport in self._polled_over if reason in _UNREAD else ():
                transport.abort()
        elif reason in _UNREAD:
            self.protocol.abort()
        else:
            self.protocol.end(_POLICY_VIOLATION, f"{reason}: {detail}" if detail else reason)
        closing = asyncio.ensure_future(self.close(abort=True, reason=self.server.reason.SERVER_DISCONNECT))
        self.rules.tasks.add(closing)
        closing.add_done_callback(self.rules.tasks.discard)

    async def drain(self) -> None:
        """Have the client reconnect to another relay, after the events so far. Safe to repeat."""
        self.rules.flush()
        if self.protocol is not None:
            self.protocol.end(_RESTART, "service restart")
        else:
            await self.close(wait=False)

    async def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:  # noqa: ARG002
        """Close. Unlike python-engineio's, this never waits for the client, and it ends a pending poll."""
        if self.closed or self.closing:
            return
        if self._next_ping is not None:
            self._next_ping.cancel()
        await super().close(wait=False, abort=abort, reason=reason)
        if abort and not self.upgraded:
            asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self._end_poll)
        else:
            self.queue.put_nowait(None)
        self.rules.on_change(self)
        self.rules.budget.remove(self)
        if abort:
            self.server.sockets.pop(self.sid, None)  # otherwise it stays until the client polls, or the timeout
        if self.protocol is not None:
            self.protocol.abort_after(_LINGER_SECONDS)

    def schedule_ping(self) -> None:
        """Schedule the next ping with a timer, where python-engineio has a task for each socket."""
        if self.last_ping:
            self.last_ping = None
            self._next_ping = asyncio.get_running_loop().call_later(self.server.ping_interval, self._ping)

    async def poll(self) -> list[Any]:
        """The next packets, for python-engineio's writer or for a poll.

        Once an upgraded socket's queue is empty, direct writes start, and this waits for the end of the connection.
        """
        if not self.upgraded or self.protocol is None or not self._may_write_directly():
            return await self._take_queued()
        self.rules.on_change(self)  # earlier events reached it through the queue
        self.is_direct = True
        # No timeout: from now on only the end is queued. The pings notice a silent client.
        while await self.queue.get() is not None:
            pass
        self.is_direct = False
        return []

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        if self.upgrading or self.upgraded:
            return self.server._bad_request()  # as python-engineio does without WebSocket support
        extensions = environ["asgi.scope"].get("extensions") or {}
        self.protocol = extensions.get(EXTENSION, {}).get("protocol")
        if self.protocol is not None:
            self.protocol.on_backlog = self._check_pending
        return await super()._upgrade_websocket(environ)

    async def _websocket_handler(self, ws: Any) -> None:
        self._websocket = GuardedWebSocket(ws, self.check_inbound)
        self.rules.may_write_directly(self.protocol)  # logs a warning on another HTTP server
        try:
            await super()._websocket_handler(self._websocket)
        finally:
            if not self.upgraded:  # a failed upgrade: polling continues
                self.upgrading = False
                self.protocol = self._websocket = None

    async def _take_queued(self) -> list[Any]:
        # Unlike in python-engineio, a cancellation is raised, and not taken for an empty queue.
        try:
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                packets = await self.queue.take(_MAX_POLLED_PACKETS)
        except TimeoutError:
            raise engineio.exceptions.QueueEmpty from None
        self.rules.budget.update(self)
        return packets

    def _check_pending(self) -> None:
        """Apply the limits after pending bytes changed."""
        if self.dropped or self.closed:
            return
        if self.buffered > self.rules.settings.max_client_bytes:
            self.drop("slow")
        else:
            self.rules.budget.update(self)

    def _end_poll(self) -> None:
        self.queue.put_nowait(engineio.packet.Packet(engineio.packet.NOOP))
        self.queue.put_nowait(None)

    def _ping(self) -> None:
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.push(engineio.packet.Packet(engineio.packet.PING))

    def _may_write_directly(self) -> bool:
        is_quiet = self.upgraded and not self.closing and self.queue.empty() and not self.dropped
        return is_quiet and self.rules.may_write_directly(self.protocol)
