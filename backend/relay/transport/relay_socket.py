"""python-engineio's socket, bounded in what waits for its client.

Private hooks of python-engineio that this module touches, each guarded by tests/relay/test_private_hooks.py: the
socket's class is set when the server files it (SocketTable), and poll, send, close, schedule_ping, _upgrade_websocket
and _websocket_handler are overridden. The versions are pinned in pyproject.toml.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import engineio

from backend.relay.metrics import RelayMetrics
from backend.relay.settings import RelaySettings
from backend.relay.transport.guarded_socket import GuardedSocket
from backend.relay.transport.http_protocol import HTTP_EXTENSION
from backend.relay.transport.outbound_budget import OutboundBudget, Waiting
from backend.relay.transport.outbound_queue import OutboundQueue
from backend.relay.transport.websocket_protocol import EXTENSION, RelayWebSocketProtocol
from backend.relay.transport.websocket_wire import GuardedWebSocket, frame_of

_POLICY_VIOLATION = 1008
_RESTART = 1012
# An orderly end takes its time: then the connection is cut.
_LINGER_SECONDS = 10.0
# A polling client's goodbye is answered before the poll that it leaves pending: python-engineio's hangs up upon that.
_GOODBYE_SECONDS = 0.05
# python-engineio's client gives up over an answer with more.
_MOST_POLLED_PACKETS = 16
# What a client may be sent by a replay, while much waits for all of them.
_LITTLE_BYTES = 65_536
# Reasons that are not sent to the client: they would wait behind what it does not read.
_UNREAD = ("slow", "memory")


@dataclass
class SocketRules:
    """What all sockets of a relay have in common.

    Attributes:
        settings: the limits.
        metrics: where drops are counted.
        may_write_directly: whether an upgraded socket's frames may go round python-engineio's queue and writer.
        flush: writes what rooms were told so far.
        on_change: called before a socket begins to be written to directly, and after it ended.
        note_drop: told the reason when a socket is cut off.
        budget: bounds what waits for all sockets together.
        tasks: the ends of connections that are under way; kept from being collected as garbage.
    """

    settings: RelaySettings
    metrics: RelayMetrics
    may_write_directly: Callable[[RelayWebSocketProtocol | None], bool]
    flush: Callable[[], None]
    on_change: Callable[["RelaySocket"], None]
    note_drop: Callable[[str], None]
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    budget: OutboundBudget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = OutboundBudget(self.settings.max_waiting_bytes, _drop_for_all)


class RelaySocket(GuardedSocket):
    """A client's connection. All sending is immediate; what cannot be sent yet waits here, up to max_client_bytes.

    Attributes:
        protocol: the WebSocket under an upgraded socket; None while polling, and on a server that is not known.
        is_direct: frames are written to `protocol` at once, and nothing waits in the queue.
    """

    rules: SocketRules
    protocol: RelayWebSocketProtocol | None
    is_direct: bool
    last_ping: float | None

    def adopt(self, rules: SocketRules) -> None:
        """Begin: the socket was just made by python-engineio."""
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
        """The bytes that wait for the client."""
        unread = sum(transport.get_write_buffer_size() for transport in self._polled_over)
        return int(self.queue.bytes) + unread + (self.protocol.buffered if self.protocol is not None else 0)

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """See GuardedSocket. Answers to polls that the client does not read wait for it too."""
        extensions = environ["asgi.scope"].get("extensions") or {}
        transport = extensions.get(HTTP_EXTENSION, {}).get("transport")
        self._polled_over = [one for one in self._polled_over if one is not transport and one.get_write_buffer_size()]
        if transport is not None:
            self._polled_over.append(transport)
        return await super().handle_get_request(environ)

    @property
    def may_be_sent_more(self) -> bool:
        """Whether what can come later, as a replay can, may come now: little waits for it, and not much for all."""
        if self.rules.budget.is_half_spent:
            self.rules.budget.note(self)
            return self.buffered <= _LITTLE_BYTES or not self.rules.budget.is_half_spent
        return self.buffered <= self.rules.settings.max_client_bytes // 2

    async def send(self, pkt: Any) -> None:
        """Send a packet, after all that was sent before. Never waits for the client."""
        if await self.check_ping_timeout():
            self.push(pkt)

    def push(self, pkt: Any) -> None:
        """Send a packet without looking at the client's last sign of life."""
        if self.dropped:
            return
        if self.is_direct and self.protocol is not None:
            if pkt.packet_type != engineio.packet.PING:
                self.rules.flush()  # what its rooms were told before goes first
            self.protocol.write_frames(frame_of(pkt.encode()))
            return
        if pkt.packet_type == engineio.packet.PING:
            self.queue.put_first(pkt)  # behind all that waits for somebody who polls, it would come too late
            return
        self.queue.put_nowait(pkt)
        self._note_waiting()

    def drop(self, reason: str, detail: str = "") -> None:
        """Cut the client off and forget what it was not sent; it gets that by replay. Safe to repeat."""
        if self.dropped or self.closed:
            return
        self.dropped = reason
        self.queue.clear()
        self.rules.metrics.drops[reason] += 1
        self.rules.note_drop(f"{reason}: {detail}" if detail else reason)
        if self.protocol is None:
            if self._websocket is not None:
                self._websocket.cut()
            for transport in self._polled_over if reason in _UNREAD else ():
                transport.abort()
        elif reason in _UNREAD:
            self.protocol.cut()
        else:
            self.protocol.end(_POLICY_VIOLATION, f"{reason}: {detail}" if detail else reason)
        self._in_background(self.close(wait=False, abort=True, reason=self.server.reason.SERVER_DISCONNECT))

    async def leave(self) -> None:
        """Send the client to another relay, after what it was told here. Safe to repeat."""
        self.rules.flush()
        if self.protocol is not None:
            self.protocol.end(_RESTART, "service restart")
        else:
            await self.close(wait=False)

    async def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:  # noqa: ARG002
        """End the connection. Unlike python-engineio's this never waits for the client, and it ends a pending poll."""
        if self.closed or self.closing:
            return
        if self._next_ping is not None:
            self._next_ping.cancel()
        await super().close(wait=False, abort=abort, reason=reason)
        if abort and not self.upgraded:
            asyncio.get_running_loop().call_later(_GOODBYE_SECONDS, self._end_poll)
        else:
            self.queue.put_nowait(None)
        self.rules.on_change(self)
        self.rules.budget.forget(self)
        if abort:
            self.server.sockets.pop(self.sid, None)  # else it stays until its goodbye is fetched, or is overdue
        if self.protocol is not None:
            self.protocol.cut_after(_LINGER_SECONDS)

    def schedule_ping(self) -> None:
        """Ask for a sign of life after a while: by a timer, where python-engineio has a task for each socket."""
        if self.last_ping:
            self.last_ping = None
            self._next_ping = asyncio.get_running_loop().call_later(self.server.ping_interval, self._ping)

    async def poll(self) -> list[Any]:
        """What is to be sent next; python-engineio's writer asks, and whoever polls."""
        if not self.upgraded or self.protocol is None or not self._may_go_direct():
            return await self._poll_some()
        self.rules.on_change(self)  # what rooms were told before this, it got through the queue
        self.is_direct = True
        # No timeout: from now on only the end comes this way. Silence is noticed by the pings.
        while await self.queue.get() is not None:
            pass
        self.is_direct = False
        return []

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        if self.upgrading or self.upgraded:
            return self.server._bad_request()  # as python-engineio does where it knows of no WebSocket
        extensions = environ["asgi.scope"].get("extensions") or {}
        self.protocol = extensions.get(EXTENSION, {}).get("protocol")
        if self.protocol is not None:
            self.protocol.on_backlog = self._note_waiting
        return await super()._upgrade_websocket(environ)

    async def _websocket_handler(self, ws: Any) -> None:
        self._websocket = GuardedWebSocket(ws, self.check_inbound)
        self.rules.may_write_directly(self.protocol)  # says so, if this is a server that it does not know
        try:
            await super()._websocket_handler(self._websocket)
        finally:
            if not self.upgraded:  # an upgrade that came to nothing: polling goes on
                self.upgrading = False
                self.protocol = self._websocket = None

    async def _poll_some(self) -> list[Any]:
        """Take what waits, and leave what one answer cannot hold where it is.

        Unlike python-engineio's it takes a cancellation for one, and not for a client with nothing to get.
        """
        try:
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                packets = [await self.queue.get()]
        except TimeoutError:
            raise engineio.exceptions.QueueEmpty from None
        while packets[-1] is not None and len(packets) < _MOST_POLLED_PACKETS and not self.queue.empty():
            packets.append(self.queue.get_nowait())
        if packets[-1] is None and len(packets) > 1:
            self.queue.put_first(None)  # the end, for the next one to find
        self.rules.budget.note(self)
        return [packet for packet in packets if packet is not None]

    def _note_waiting(self) -> None:
        """What waits for the client grew, or it has read."""
        if self.dropped or self.closed:
            return
        if self.buffered > self.rules.settings.max_client_bytes:
            self.drop("slow")
        else:
            self.rules.budget.note(self)

    def _end_poll(self) -> None:
        self.queue.put_nowait(engineio.packet.Packet(engineio.packet.NOOP))
        self.queue.put_nowait(None)

    def _ping(self) -> None:
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.push(engineio.packet.Packet(engineio.packet.PING))

    def _may_go_direct(self) -> bool:
        is_quiet = self.upgraded and not self.closing and self.queue.empty() and not self.dropped
        return is_quiet and self.rules.may_write_directly(self.protocol)

    def _in_background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self.rules.tasks.add(task)
        task.add_done_callback(self.rules.tasks.discard)


def _drop_for_all(socket: Waiting) -> None:
    assert isinstance(socket, RelaySocket)  # noqa: S101 - nothing else is noted
    socket.drop("memory", "too much waits for all clients together, and most for it")


class SocketTable(dict[str, RelaySocket]):
    """An Engine.IO server's sockets by id. A socket is made ours when it is filed: its class cannot be configured."""

    def __init__(self, rules: SocketRules) -> None:
        super().__init__()
        self._rules = rules

    def __setitem__(self, sid: str, socket: Any) -> None:
        socket.__class__ = RelaySocket
        socket.adopt(self._rules)
        super().__setitem__(sid, socket)

    def copy(self) -> dict[str, RelaySocket]:
        """The sockets now."""
        return dict(self)
