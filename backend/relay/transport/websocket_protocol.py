"""uvicorn's WebSocket protocol, bounded on its side of the socket, and open to the relay's own frames."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from backend.relay.problems import problem_response

# How the protocol is found in an ASGI scope's extensions, under "protocol".
EXTENSION = "vibewire.websocket"
_INVALID_DATA = 1007
_POLICY_VIOLATION = 1008
_BAD_REQUEST = problem_response(400, "malformed_request", "The handshake is none of a WebSocket.")
# Above what any client makes of the largest packet.
_MOST_FRAGMENTS = 1_000
# Answers to pings of somebody who does not read them.
_MOST_BYTES_BEFORE_SOCKET = 1_000_000
_LINGER_SECONDS = 5.0
# So little may wait for a client without a look at it: for ten thousand of them 160 MB.
_UNNOTED_BYTES = 16_384


class RelayWebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket whose client can neither fill this process's memory nor be held in it.

    Attributes:
        on_backlog: called whenever more waits for the client to read it, and once it has read; without it the
            connection is cut over too much.
    """

    on_backlog: Callable[[], None] | None = None
    is_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNNOTED_BYTES)

    @property
    def is_plain(self) -> bool:
        """Whether frames go out as they are: no extension was agreed on."""
        return not self.conn.extensions

    @property
    def buffered(self) -> int:
        """The bytes that the operating system has not taken yet."""
        return self.transport.get_write_buffer_size()

    def write_frames(self, frames: bytes) -> None:
        """Send whole frames, after all that was sent before. Nothing happens where the connection is ending."""
        if self.close_sent or self.transport.is_closing():
            return
        self.transport.write(frames)
        if self.is_paused:
            self._note_backlog()

    def end(self, code: int, reason: str) -> None:
        """Say goodbye and close, and cut off whoever does not listen. Safe to repeat."""
        if not self.close_sent and not self.transport.is_closing() and self.handshake_complete:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()
        self.cut_after(_LINGER_SECONDS)

    def cut(self) -> None:
        """Close without a word, and forget what was not sent. Safe to repeat."""
        self.transport.abort()

    def cut_after(self, seconds: float) -> None:
        """Cut the connection unless it is closed by then: an orderly close waits for a client that may never read."""
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
        """See asyncio.Protocol. The first data is the request for a WebSocket, as the HTTP protocol hands it over."""
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse()  # of this uvicorn knows nothing: nobody would ever answer

    def handle_connect(self, event: Request) -> None:
        """A client asks for a WebSocket."""
        super().handle_connect(event)
        if not self.close_sent:  # else it was refused
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"protocol": self}}

    async def send(self, message: Any) -> None:
        """See ASGI. A refusal in words ends the handshake, which uvicorn forgets: it would log an error for each."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def handle_cont(self, event: Frame) -> None:
        """A further part of a message. Empty ones add nothing to its size, but to the list."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.end(_POLICY_VIOLATION, "too many fragments")
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """A message is here whole. One of text must be text: uvicorn would log each that is not with a traceback."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.end(_INVALID_DATA, "text that is not UTF-8")
            return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """A client's ping was answered, which nothing but its reading bounds."""
        super().handle_ping()
        if self.is_paused:
            self._note_backlog()

    def _refuse(self) -> None:
        self.handshake_complete = self.close_sent = True  # nothing more is to be said
        self.transport.write(_BAD_REQUEST)
        self.transport.close()

    def _note_backlog(self) -> None:
        if self.on_backlog is not None:
            self.on_backlog()
        elif self.buffered > _MOST_BYTES_BEFORE_SOCKET:
            self.cut()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
