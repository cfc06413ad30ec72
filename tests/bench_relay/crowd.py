"""Many clients in one process that count what they hear and check its order."""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import cast

from websockets.frames import Frame, Opcode

_HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def text_frame(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


class Tally:
    """What all clients heard together; `on_goal` is called once `goal` deliveries are in."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.mistakes = 0
        self.goal = 0
        self.on_goal: Callable[[], None] = lambda: None

    def add(self, count: int) -> None:
        self.deliveries += count
        while self.goal and self.deliveries >= self.goal:
            self.on_goal()


class Listener(asyncio.Protocol):
    """One client of one room."""

    def __init__(self, room: str, tally: Tally) -> None:
        self._room = room
        self._tally = tally
        self._rest = b""
        self._seq = 0
        self._is_open = False
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport = transport
        transport.write(_HANDSHAKE.format(key=base64.b64encode(os.urandom(16)).decode()).encode())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            self._is_open = True
        place, size, heard = 0, len(data), 0
        while size - place >= 2:
            length, begin = data[place + 1], place + 2
            if length == 126:
                length, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
            elif length == 127:
                length, begin = int.from_bytes(data[begin : begin + 8]), begin + 8
            if begin + length > size:
                break
            place = begin + length
            if data.startswith(b'42["a', begin):
                heard += 1
                at = data.find(b'"seq":', begin) + 6
                self._seq += 1
                if int(data[at : data.find(b",", at)]) != self._seq:
                    self._tally.mistakes += 1
            else:
                self._answer(data[begin:place])
        self._rest = data[place:]
        if heard:
            self._tally.add(heard)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("The server closed the connection"))

    def _answer(self, packet: bytes) -> None:
        if packet.startswith(b"0{"):
            self._transport.write(text_frame("40"))
        elif packet.startswith(b"40"):
            self._transport.write(text_frame(f'421["subscribe",{{"project_id":"{self._room}"}}]'))
        elif packet.startswith(b"431"):
            self.joined.set_result(None)
        elif packet == b"2":
            self._transport.write(text_frame("3"))

    def close(self) -> None:
        self._transport.abort()
