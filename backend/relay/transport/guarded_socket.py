"""python-engineio's socket, with checks of all that its client sends.

Private hooks of python-engineio that this module touches, each guarded by tests/relay/test_private_hooks.py: receive
and the two request handlers are overridden.
"""

from typing import Any

import engineio
from engineio import async_socket

from backend.relay.settings import RelaySettings
from backend.relay.transport.packet_checks import InvalidPacketError, check_engine_packet
from backend.relay.transport.token_bucket import TokenBucket

# The largest burst, in seconds of the rate: a client sends all its subscriptions when it reconnects.
_BURST_SECONDS = 5.0


class ClientDroppedError(OSError, engineio.exceptions.EngineIOError):  # type: ignore[misc]  # no types
    """A client was dropped for what it sent. Both of python-engineio's transports end on it."""


class GuardedSocket(async_socket.AsyncSocket):  # type: ignore[misc]  # python-engineio ships no types
    """A connection whose client is dropped for invalid packets, and for too many of them.

    Attributes:
        dropped: the reason, once the client was disconnected.
    """

    dropped: str | None

    def guard(self, settings: RelaySettings) -> None:
        """Start the checks."""
        self._settings = settings
        self.dropped = None
        self._inbound = TokenBucket(settings.max_packets_per_second, settings.max_packets_per_second * _BURST_SECONDS)
        self._is_polled = False

    def drop(self, reason: str, detail: str = "") -> None:
        """Disconnect the client. Safe to repeat."""
        raise NotImplementedError

    async def receive(self, pkt: Any) -> None:
        """Handle a packet of the client."""
        if self.dropped:
            raise engineio.exceptions.SocketIsClosedError
        try:
            await super().receive(pkt)
        except engineio.exceptions.UnknownPacketError:
            self.drop("malformed", "a packet that only servers send")

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """Handle a poll, or the upgrade to a WebSocket."""
        if "websocket" in environ.get("HTTP_UPGRADE", "").lower():
            return await super().handle_get_request(environ)
        if self._is_polled:
            self.drop("malformed", "two concurrent polls")
            raise engineio.exceptions.EngineIOError
        self._is_polled = True
        try:
            return await super().handle_get_request(environ)
        finally:
            self._is_polled = False

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Handle the packets of a polling client."""
        if int(environ.get("CONTENT_LENGTH", "0")) > self._settings.max_packet_bytes:
            self.drop("malformed", "a packet that is too large")
            raise engineio.exceptions.ContentTooLongError
        body = await environ["wsgi.input"].read(self._settings.max_packet_bytes)
        try:
            for part in body.decode().split("\x1e") if body else ():
                self.check_inbound(part)
                await self.receive(engineio.packet.Packet(encoded_packet=part))
        except UnicodeDecodeError:
            self.drop("malformed", "a packet that is not UTF-8")
        except (ClientDroppedError, engineio.exceptions.SocketIsClosedError):
            pass  # it was dropped, or sent more packets after it had closed
        if self.dropped and self.sid in self.server.sockets:  # otherwise python-engineio fails with KeyError
            raise ClientDroppedError

    def check_inbound(self, data: str | bytes) -> None:
        """Check a packet before it is decoded. Raises ClientDroppedError after dropping the client."""
        if not self._inbound.take():
            self.drop("flood", "too many packets")
        elif len(data) > self._settings.max_packet_bytes:
            self.drop("malformed", "a packet that is too large")
        else:
            try:
                check_engine_packet(data)
            except InvalidPacketError as error:
                self.drop("malformed", str(error))
            else:
                if not self.dropped:
                    return
        raise ClientDroppedError  # dropped, now or before, or closed before
