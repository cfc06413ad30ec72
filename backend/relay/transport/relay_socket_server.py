"""python-socketio's server with the relay's sockets and limits.

Private hooks of python-socketio and python-engineio that this module touches, each guarded by
tests/relay/test_private_hooks.py: _engineio_server_class, _handle_eio_connect, _handle_eio_message, _binary_packet.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import engineio
import socketio

from backend.relay.metrics import RelayMetrics
from backend.relay.problems import SAFE_HEADERS, send_problem
from backend.relay.settings import AUTHENTICATION_SECONDS, RelaySettings
from backend.relay.transport.broadcaster import Broadcaster
from backend.relay.transport.packet_checks import InvalidPacketError, RelayPacket
from backend.relay.transport.relay_socket import RelaySocket
from backend.relay.transport.socket_rules import SocketRules
from backend.relay.transport.socket_table import SocketTable
from shared.events import Event

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]

_RETRY_AFTER_SECONDS = 5
_REFUSALS = {
    "full": "This relay has no free connections. Try again.",
    "leaving": "This relay is shutting down. Try again: another relay will answer.",
}
# Drained clients reconnect to another relay: one after the other, not all concurrently.
_DRAIN_SECONDS_EACH = 0.005
_BINARY_PACKETS = (str(socketio.packet.BINARY_EVENT), str(socketio.packet.BINARY_ACK))
_DISCONNECTS = ("http.disconnect", "websocket.disconnect")


def connection_refused(detail: str, code: str | None = None) -> Exception:
    """The error that a connect handler raises to send the client a connect error with `detail` and `code`."""
    data = () if code is None else ({"code": code},)
    refused: Exception = socketio.exceptions.ConnectionRefusedError(detail, *data)
    return refused


class RelayEngine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio ships no types
    """An Engine.IO server whose sockets are RelaySockets."""

    sockets: SocketTable

    def set_rules(self, rules: SocketRules) -> None:
        """Set the rules of all sockets, before the first one is created."""
        self.sockets = SocketTable(rules)


class RelaySocketServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio ships no types
    """A Socket.IO server with per-client limits on input, output and connection time.

    Events are emitted through its `manager`.
    """

    manager: Broadcaster
    eio: RelayEngine

    def __init__(self, settings: RelaySettings, metrics: RelayMetrics, encode: Callable[[Event], bytes]) -> None:
        super().__init__(
            async_mode="asgi",
            client_manager=Broadcaster(metrics, encode, is_enabled=settings.fast_path),
            cors_allowed_origins=None if settings.origins is None else list(settings.origins),
            ping_interval=settings.ping_seconds,
            ping_timeout=settings.ping_seconds,
            max_http_buffer_size=settings.max_packet_bytes,
            http_compression=False,
            serializer=RelayPacket,
        )
        self._settings = settings
        self._metrics = metrics
        self._is_draining = False
        manager = self.manager
        self._rules = SocketRules(
            settings, metrics, manager.may_write_directly, manager.flush, manager.note_change, _log_drop
        )
        self.eio.set_rules(self._rules)

    async def handle_request(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request; a new client is refused while the relay is full or draining."""
        if b"sid=" not in scope.get("query_string", b""):
            if self._is_draining:
                return await self._refuse("leaving", scope, receive, send)
            if len(self.eio.sockets) >= self._settings.max_connections:
                return await self._refuse("full", scope, receive, send)
        first = await receive()
        if first["type"] in _DISCONNECTS:
            return None  # it disconnected before it was handled; python-engineio would fail
        if scope["type"] == "http":
            # An ASGI scope of type http is no upgrade, whatever its headers say.
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"upgrade"]}
        await super().handle_request(scope, _with_first(first, receive), _with_safe_headers(scope, send))
        return None

    def asgi_app(self, other: AsgiApp) -> AsgiApp:
        """The ASGI application that serves /socket.io, and passes all other paths to `other`."""
        app: AsgiApp = socketio.ASGIApp(self, other_asgi_app=other)
        return app

    def socket_of(self, sid: str) -> RelaySocket | None:
        """The connection of a Socket.IO client."""
        return self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/") or "")

    async def drain_clients(self, seconds: float) -> None:
        """Refuse new clients, and have the connected ones reconnect elsewhere, spread over at most `seconds`."""
        self._is_draining = True
        sockets = list(self.eio.sockets.values())
        random.shuffle(sockets)
        pause = min(seconds / max(1, len(sockets)), _DRAIN_SECONDS_EACH)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for count, socket in enumerate(sockets, start=1):
            await socket.drain()
            # From the start on: uvloop rounds sleeps to milliseconds, and shorter ones to zero.
            await asyncio.sleep(max(0.0, began + count * pause - loop.time()))

    async def _refuse(self, reason: str, scope: Message, receive: Receive, send: Send) -> None:
        self._metrics.refusals[reason] += 1
        if scope["type"] == "websocket":
            await receive()
        retry_after = (b"retry-after", str(_RETRY_AFTER_SECONDS).encode())
        await send_problem(scope, send, 503, reason, _REFUSALS[reason], more_headers=(retry_after,))

    def _engineio_server_class(self) -> type[RelayEngine]:
        return RelayEngine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        answer = await super()._handle_eio_connect(eio_sid, environ)
        asyncio.get_running_loop().call_later(AUTHENTICATION_SECONDS, self._check_authenticated, eio_sid)
        return answer

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            if eio_sid not in self._binary_packet:
                data = self._begin_packet(eio_sid, data)
            await super()._handle_eio_message(eio_sid, data or "?")
        except InvalidPacketError as error:
            self._binary_packet.pop(eio_sid, None)
            if (socket := self.eio.sockets.get(eio_sid)) is not None:
                socket.drop("malformed", str(error))

    async def _handle_eio_disconnect(self, eio_sid: str, reason: Any) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        self._binary_packet.pop(eio_sid, None)

    def _begin_packet(self, eio_sid: str, data: Any) -> str:
        if not isinstance(data, str):
            return ""  # an attachment without its packet
        if data.startswith(_BINARY_PACKETS) and self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            raise InvalidPacketError("attachments before authentication")
        return data

    def _check_authenticated(self, eio_sid: str) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            socket.drop("silent", "no authentication in time")


def _with_first(first: Message, receive: Receive) -> Receive:
    """A `receive` that returns the message that was already received first."""
    received = [first]

    async def receive_all() -> Message:
        return received.pop() if received else await receive()

    return receive_all


def _with_safe_headers(scope: Message, send: Send) -> Send:
    """A `send` that adds SAFE_HEADERS to each response, and a problem to each refused WebSocket."""
    is_answered = scope["type"] == "http"

    async def send_safely(message: Message) -> None:
        nonlocal is_answered
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *SAFE_HEADERS]}
        elif message["type"] == "websocket.close" and not is_answered:
            await send_problem(
                scope, send, 400, "bad_request", message.get("reason") or "This is not a Socket.IO handshake."
            )
            return
        is_answered = True
        await send(message)

    return send_safely


def _log_drop(reason: str) -> None:
    logger.warning("A client was disconnected: %s", reason)
