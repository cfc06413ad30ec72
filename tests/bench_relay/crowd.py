"""Many clients in one process that count events, check their order, and measure their delay."""

import asyncio
import base64
import os
import time
from array import array
from collections.abc import Callable
from typing import cast

from websockets.frames import Frame, Opcode

_HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_CONCURRENT = 32


class Tally:
    """The counts of all clients together.

    Attributes:
        deliveries: received events, counted once for each client.
        mistakes: received events out of order.
        lost: connections that ended.
        goal: `on_goal` is called once so many deliveries are in, until it sets a goal that is not reached; 0: none.
        due: by room, when each of its events was due, in seconds of the monotonic clock.
        delays: from then until each client had it, in milliseconds.
    """

    def __init__(self) -> None:
        self.deliveries = 0
        self.mistakes = 0
        self.lost = 0
        self.goal = 0
        self.on_goal: Callable[[], None] = lambda: None
        self.due: dict[str, list[float]] | None = None
        self.delays = array("f")

    def add(self, count: int) -> None:
        """Count received events."""
        self.deliveries += count
        while self.goal and self.deliveries >= self.goal:
            self.on_goal()


class Listener(asyncio.Protocol):
    """One client of one room: a minimal Socket.IO client over a WebSocket."""

    def __init__(self, room: str, tally: Tally) -> None:
        self.room = room
        self.tally = tally
        self._rest = b""
        self._seq = 0
        self._is_open = False
        self._is_done = False
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.transport.write(_HANDSHAKE.format(key=base64.b64encode(os.urandom(16)).decode()).encode())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            self._is_open = True
        before = self._seq
        self._rest = data[self._read_frames(data) :]
        if self._seq > before:
            if (due := self.tally.due) is not None:
                now, times = time.monotonic(), due[self.room]
                self.tally.delays.extend((now - times[seq]) * 1_000 for seq in range(before, self._seq))
            self.tally.add(self._seq - before)

    def connection_lost(self, error: Exception | None) -> None:
        self.tally.lost += not self._is_done
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("The server closed the connection"))

    def close(self) -> None:
        """Disconnect."""
        self._is_done = True
        self.transport.abort()

    def _read_frames(self, data: bytes) -> int:
        """Read the complete frames. Returns where the rest begins."""
        place, size = 0, len(data)
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
                at = data.find(b'"seq":', begin) + 6
                self._seq += 1
                if int(data[at : data.find(b",", at)]) != self._seq:
                    self.tally.mistakes += 1
            else:
                self._answer(data[begin:place])
        return place

    def _answer(self, packet: bytes) -> None:
        if packet.startswith(b"0{"):
            self._send("40")
        elif packet.startswith(b"40"):
            self._send(f'421["subscribe",{{"project_id":"{self.room}"}}]')
        elif packet.startswith(b"431"):
            self.joined.set_result(None)
        elif packet == b"2":
            self._send("3")

    def _send(self, text: str) -> None:
        self.transport.write(Frame(Opcode.TEXT, text.encode()).serialize(mask=True))


async def join_all(port: int, rooms: int, clients: int, tally: Tally) -> list[Listener]:
    """Connect so many clients to each of so many rooms, a few at a time."""
    loop, gate, listeners = asyncio.get_running_loop(), asyncio.Semaphore(_CONCURRENT), []

    async def join(room: int) -> None:
        async with gate:
            _, listener = await loop.create_connection(lambda: Listener(f"p{room}", tally), "127.0.0.1", port)
            listeners.append(listener)
            await listener.joined

    await asyncio.gather(*(join(room) for room in range(rooms) for _ in range(clients)))
    return listeners
