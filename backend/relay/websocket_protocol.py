"""uvicorn's WebSocket protocol, bounded on its side of the socket, and open to the relay's own frames."""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

# How the protocol is found in an ASGI scope's extensions, under "protocol".
EXTENSION = "vibewire.websocket"
_POLICY_VIOLATION = 1008
# Above what any client makes of the largest packet.
_MOST_FRAGMENTS = 1_000
# Answers to pings of somebody who does not read them.
_MOST_BYTES_BEFORE_SOCKET = 1_000_000
_LINGER_SECONDS = 5.0


class RelayWebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket whose client can neither fill this process's memory nor be held in it.

    Attributes:
        limit: how many bytes may wait for the client to read them.
        on_overflow: called once they are more; without it the connection is cut.
    """

    limit = _MOST_BYTES_BEFORE_SOCKET
    on_overflow: Callable[[], None] | None = None
    is_paused = False

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
            self._check_overflow()

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

    def handle_connect(self, event: Request) -> None:
        """A client asks for a WebSocket."""
        super().handle_connect(event)
        if not self.close_sent:  # else it was refused
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"protocol": self}}

    def handle_cont(self, event: Frame) -> None:
        """A further part of a message. Empty ones add nothing to its size, but to the list."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.end(_POLICY_VIOLATION, "too many fragments")
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """A client's ping was answered, which nothing but its reading bounds."""
        super().handle_ping()
        if self.is_paused:
            self._check_overflow()

    def _check_overflow(self) -> None:
        if self.buffered <= self.limit:
            return
        if self.on_overflow is None:
            self.cut()
        else:
            self.on_overflow()
