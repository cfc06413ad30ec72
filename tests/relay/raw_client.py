"""Clients that speak by hand, and as badly as a test needs."""

import asyncio
import base64
import os
import socket
from types import TracebackType
from typing import Self

from websockets.frames import Frame, Opcode

_SMALL_BUFFER = 4_096


class RawHttp:
    """A plain TCP connection with a small buffer, which reads only when it is asked to."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        self._socket.settimeout(0)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().sock_connect(self._socket, self._address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def send_bytes(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def read(self) -> bytes:
        """Read some bytes; none at the end."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, 65_536)
        except ConnectionError:
            return b""

    async def read_until(self, part: bytes) -> None:
        """Read until this came."""
        seen = b""
        async with asyncio.timeout(10):
            while part not in seen:
                more = await self.read()
                assert more, f"It ended without {part!r}: {seen[-300:]!r}"
                seen += more

    async def until_closed(self) -> bytes:
        """Read to the end. Returns what was received."""
        seen = b""
        async with asyncio.timeout(10):
            while more := await self.read():
                seen += more
        return seen


class RawWebSocket(RawHttp):
    """A WebSocket that reads only when it is asked to."""

    def __init__(self, address: tuple[str, int], path: str = "/socket.io/?EIO=4&transport=websocket") -> None:
        super().__init__(address)
        self._path = path

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        key = base64.b64encode(os.urandom(16)).decode()
        await self.send_bytes(
            f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in await self.read()
        return self

    async def send(self, data: str | bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> None:
        payload = data.encode() if isinstance(data, str) else data
        await self.send_bytes(Frame(opcode, payload, fin).serialize(mask=True))

    async def join(self, project_id: str) -> None:
        """Connect to the namespace and subscribe, reading for the last time."""
        await self.send("40")
        await self.read_until(b"40{")
        await self.send(f'421["subscribe",{{"project_id":"{project_id}"}}]')
        await self.read_until(b"431[")
