"""A plain TCP connection that sends arbitrary bytes, and counts them."""

import asyncio
import base64
import json
import random
import socket
import struct
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Self

from tests.relay_fuzz.inputs import frame

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
_READ_SECONDS = 2.0
_KEPT_INPUTS = 8
_SHOWN_BYTES = 150


@dataclass
class InputLog:
    """A record of what was sent: counts by kind, and the last inputs."""

    sent: Counter[str] = field(default_factory=Counter)
    last: deque[tuple[str, bytes]] = field(default_factory=lambda: deque(maxlen=_KEPT_INPUTS))

    def note(self, kind: str, data: bytes, count: int = 1) -> None:
        self.sent[kind] += count
        self.last.append((kind, data[:_SHOWN_BYTES]))


class RawConnection:
    """A connection to the relay. It is aborted at the end, sometimes with a reset."""

    def __init__(
        self, address: tuple[str, int], rng: random.Random, input_log: InputLog, *, receive_bytes: int = 0
    ) -> None:
        self._address = address
        self._rng = rng
        self._input_log = input_log
        self._receive_bytes = receive_bytes

    async def __aenter__(self) -> Self:
        made = socket.socket()
        if self._receive_bytes:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        made.settimeout(0)
        try:
            await asyncio.get_running_loop().sock_connect(made, self._address)
        except BaseException:
            made.close()
            raise
        # A small limit, so that the relay notices that nothing is read.
        self.reader, self.writer = await asyncio.open_connection(sock=made, limit=4_096)
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.writer.is_closing():
            if self._rng.random() < 0.5:
                made = self.writer.get_extra_info("socket")
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()

    async def send(self, kind: str, data: bytes, count: int = 1) -> None:
        """Send bytes; raises OSError once the relay has closed the connection."""
        self._input_log.note(kind, data, count)
        self.writer.write(data)
        await self.writer.drain()

    async def send_packet(self, kind: str, packet: str | bytes) -> None:
        """Send a packet in a proper frame."""
        await self.send(kind, frame(self._rng, packet))

    async def read_some(self) -> bytes:
        """Read some of the received bytes; none at the end or after a timeout."""
        try:
            async with asyncio.timeout(_READ_SECONDS):
                return await self.reader.read(65_536)
        except TimeoutError:
            return b""

    async def upgrade(self, path: str = WEBSOCKET) -> None:
        """Send a WebSocket handshake."""
        key = base64.b64encode(self._rng.randbytes(16)).decode()
        await self.send(
            "handshake",
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
        )
        await self.read_some()

    async def join(self, request: object = None) -> None:
        """Open a WebSocket, connect to the namespace, and subscribe if there is a request."""
        await self.upgrade()
        await self.send_packet("connect", "40")
        await self.read_some()
        if request is not None:
            await self.send_packet("subscribe", f'421["subscribe",{json.dumps(request)}]')

    async def request(self, kind: str, method: str, path: str, body: bytes = b"") -> bytes:
        """Send a valid HTTP request. Returns the first part of the response."""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        await self.send(kind, head.encode("utf-8", "surrogatepass") + body)
        return await self.read_some()

    async def open_polling(self, *, connect: bool = True) -> str:
        """A session that polls; the path of its requests."""
        answer = await self.request("handshake", "GET", POLLING)
        while b"}" not in answer and (more := await self.read_some()):
            answer += more
        opened = json.loads(answer.partition(b"\r\n\r\n0")[2] or "{}")
        path = f"{POLLING}&sid={opened.get('sid', 'none')}"
        if connect:
            await self.request("connect", "POST", path, b"40")
        return path
