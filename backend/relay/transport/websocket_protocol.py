"""uvicorn's WebSocket protocol with limits to what is pending, and direct writes of the relay's frames."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from backend.relay.problems import problem_response

# The ASGI extension that holds the protocol, under "protocol".
EXTENSION = "vibewire.websocket"
_INVALID_DATA = 1007
_POLICY_VIOLATION = 1008
_BAD_REQUEST = problem_response(400, "malformed_request", "This is not a valid WebSocket handshake.")
# More than any client makes of the largest packet.
_MOST_FRAGMENTS = 1_000
# Pongs that a client without a session does not read.
_MOST_BYTES_BEFORE_SOCKET = 1_000_000
_LINGER_SECONDS = 5.0
# Fewer pending bytes are not accounted for: with ten thousand clients 160 MB.
_UNACCOUNTED_BYTES = 16_384


class RelayWebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket with limits to what its client can make the process hold.

    Attributes:
        on_backlog: called when pending bytes grow, and when the client has read them; without it the connection is
            aborted when too many are pending.
    """

    on_backlog: Callable[[], None] | None = None
    is_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNACCOUNTED_BYTES)

    @property
    def is_plain(self) -> bool:
        """Whether frames can be written unchanged: no extension was negotiated."""
        return not self.conn.extensions

    @property
    def buffered(self) -> int:
        """The bytes that the operating system has not accepted yet."""
        return self.transport.get_write_buffer_size()

    def write_frames(self, frames: bytes) -> None:
        """Send complete frames, after all that was sent before. Does nothing if the connection is closing."""
        if self.close_sent or self.transport.is_closing():
            return
        self.transport.write(frames)
        if self.is_paused:
            self._report_backlog()

    def end(self, code: int, reason: str) -> None:
        """Close with a close frame; abort if the client does not react. Safe to repeat."""
        if not self.close_sent and not self.transport.is_closing() and self.handshake_complete:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()
        self.abort_after(_LINGER_SECONDS)

    def abort(self) -> None:
        """Close without a close frame, and discard pending bytes. Safe to repeat."""
        self.transport.abort()

    def abort_after(self, seconds: float) -> None:
        """Abort the connection unless it is closed by then: an orderly close waits for a client that may never read."""
        self.loop.call_later(seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self.is_paused = True
        super().pause_writing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.is_paused = False
        super().resume_writing()
        if self.on_backlog is not None:
            self.on_backlog()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. The first data is the handshake, handed over by the HTTP protocol."""
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse()  # uvicorn does not check for this and would never answer

    def handle_connect(self, event: Request) -> None:
        """Handle the handshake."""
        super().handle_connect(event)
        if not self.close_sent:  # otherwise it was refused
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"protocol": self}}

    async def send(self, message: Any) -> None:
        """See ASGI. A refusal with a body ends the handshake; uvicorn does not record that and would log an error."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def handle_cont(self, event: Frame) -> None:
        """Handle a fragment of a message. Empty ones add nothing to its size, but to the list."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.end(_POLICY_VIOLATION, "too many fragments")
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Handle a complete message. Refuse text that is not UTF-8, for which uvicorn would log a traceback."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.end(_INVALID_DATA, "text that is not UTF-8")
            return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Handle a ping, after the pong was queued: a client that does not read accumulates pongs."""
        super().handle_ping()
        if self.is_paused:
            self._report_backlog()

    def _refuse(self) -> None:
        self.handshake_complete = self.close_sent = True  # no response of uvicorn may follow
        self.transport.write(_BAD_REQUEST)
        self.transport.close()

    def _report_backlog(self) -> None:
        if self.on_backlog is not None:
            self.on_backlog()
        elif self.buffered > _MOST_BYTES_BEFORE_SOCKET:
            self.abort()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
