"""The attacks of the fuzzers: each is one kind of misbehaving client, with random details.

An attack may end at any point; the relay must clean up in every case.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.relay.live_relay import PROJECT
from tests.relay_fuzz.broken_requests import broken_request
from tests.relay_fuzz.inputs import any_body, any_event, any_packet, any_request, broken_frame, frame, raw_frame
from tests.relay_fuzz.raw_connection import WEBSOCKET, InputLog, RawConnection
from tests.relay_fuzz.relay_process import SESSIONS

_SMALL_BUFFER = 4_096
_BINARY_EVENT = '452-["subscribe",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
_FULL_REPLAY = {"project_id": PROJECT, "after": dict.fromkeys(SESSIONS, 0)}


@dataclass
class Attacker:
    """The target of an attack, its random numbers, and the record of what it sent."""

    address: tuple[str, int]
    rng: random.Random
    input_log: InputLog

    def connection(self, receive_bytes: int = 0) -> RawConnection:
        return RawConnection(self.address, self.rng, self.input_log, receive_bytes=receive_bytes)

    async def pause(self, most: float = 1.0) -> None:
        """Do nothing for a while, as slow clients do."""
        await asyncio.sleep(self.rng.random() * most)


async def talk_nonsense(attacker: Attacker) -> None:
    """Packets over a WebSocket, most of them malformed."""
    rng = attacker.rng
    async with attacker.connection() as client:
        await client.upgrade()
        if rng.random() < 0.8:
            await client.send_packet("connect", "40")
        for _ in range(rng.choice((1, 2, 5, 20))):
            await client.send_packet("packet", any_event(rng) if rng.random() < 0.4 else any_packet(rng))
            if rng.random() < 0.5:
                await client.read_some()


async def break_frames(attacker: Attacker) -> None:
    """Frames that RFC 6455 does not allow."""
    rng = attacker.rng
    async with attacker.connection() as client:
        await client.join(rng.choice((None, {"project_id": PROJECT})))
        for _ in range(rng.choice((1, 1, 3))):
            await client.send("frame", broken_frame(rng))
        await client.read_some()


async def flood(attacker: Attacker) -> None:
    """Many repeated packets, without reading the answers."""
    rng = attacker.rng
    parts: tuple[bytes, ...] = (
        raw_frame(rng, 9, b"p" * 125),
        raw_frame(rng, 10, b""),
        raw_frame(rng, 0, b"", fin=0),
        *(frame(rng, packet) for packet in ("3", "40", "41", "40/admin,", "2probe", any_event(rng))),
        frame(rng, f'42["subscribe",{{"project_id":"{PROJECT}","after":{{"one":0}}}}]'),
        frame(rng, f'42["unsubscribe",{{"project_id":"{PROJECT}"}}]'),
    )
    async with attacker.connection(_SMALL_BUFFER) as client:
        await client.join({"project_id": PROJECT})
        chosen = rng.sample(parts, rng.choice((1, 1, 2, 3)))
        for _ in range(rng.choice((2, 10, 30))):
            await client.send("flood", b"".join(rng.choices(chosen, k=40)), 40)


async def promise_attachments(attacker: Attacker) -> None:
    """Binary events whose attachments never come, come wrong, or come twice."""
    rng = attacker.rng
    async with attacker.connection() as client:
        await client.join()
        await client.send_packet("binary", _BINARY_EVENT)
        for _ in range(rng.randint(0, 4)):
            await client.send_packet("binary", rng.choice((rng.randbytes(rng.choice((0, 9, 90_000))), any_packet(rng))))
        await client.read_some()


async def never_read(attacker: Attacker) -> None:
    """A client that requests everything and reads nothing."""
    async with attacker.connection(_SMALL_BUFFER) as client:
        await client.join(_FULL_REPLAY)
        for _ in range(attacker.rng.randint(0, 20)):
            await client.send_packet("subscribe", f'42["subscribe",{_FULL_REPLAY}]'.replace("'", '"'))
        while attacker.rng.random() < 0.99:  # nor the answers
            await client.send("flood", raw_frame(attacker.rng, 9, b"p" * 125) * 40, 40)
        await attacker.pause(2)


async def storm(attacker: Attacker) -> None:
    """Many clients that connect concurrently and disconnect in the middle of it."""
    rng = attacker.rng
    async with AsyncExitStack() as closing:
        clients = [await closing.enter_async_context(attacker.connection()) for _ in range(rng.randint(2, 15))]
        for step in range(rng.randint(1, 3)):
            for client in clients:
                if step == 0:
                    await client.upgrade()
                else:
                    await client.send_packet("connect", "40" if step == 1 else any_event(rng))


async def poll_nonsense(attacker: Attacker) -> None:
    """A polling client with malformed bodies or concurrent requests."""
    rng = attacker.rng
    async with attacker.connection() as client, attacker.connection() as other:
        path = await client.open_polling(connect=rng.random() < 0.8)
        for _ in range(rng.randint(1, 6)):
            choice = rng.random()
            if choice < 0.5:
                await client.request("post", "POST", path, any_body(rng))
            elif choice < 0.8:
                poll = client.request("poll", "GET", path)
                second = other.request("poll", rng.choice(("GET", "GET", "POST", "OPTIONS", "PUT", "HEAD")), path, b"3")
                await asyncio.gather(poll, second)
            else:
                elsewhere = path.replace("sid=", rng.choice(("sid=x", "sid=%ff", "s=")))
                await client.request("post", "POST", elsewhere, b"40")
        if rng.random() < 0.5:
            await client.request("post", "POST", path, b"1")


async def break_http(attacker: Attacker) -> None:
    """Malformed and endless requests."""
    rng = attacker.rng
    async with attacker.connection() as client:
        path = rng.choice((WEBSOCKET, "/", "/socket.io/?EIO=4&transport=polling&sid=x", "/%00", "/socket.io"))
        if rng.random() < 0.5:
            path = await client.open_polling()
        for part in broken_request(rng, path.encode()):
            await client.send("request", part)
            if rng.random() < 0.2:
                await attacker.pause()
        await client.read_some()


async def be_slow(attacker: Attacker) -> None:
    """A request that arrives byte by byte and is incomplete."""
    rng = attacker.rng
    request = f"POST {WEBSOCKET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n40".encode()
    if rng.random() < 0.5:
        request = f"GET {WEBSOCKET} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Ke".encode()
    async with attacker.connection() as client:
        for byte in request[: rng.randint(1, len(request))]:
            await client.send("slow", bytes([byte]))
        await attacker.pause(2)


async def upgrade_halfway(attacker: Attacker) -> None:
    """A polling client whose upgrade stops in the middle, comes twice, or without a probe."""
    rng = attacker.rng
    async with attacker.connection() as client, attacker.connection() as upgrading, attacker.connection() as second:
        polling = await client.open_polling(connect=rng.random() < 0.8)
        path = polling.replace("transport=polling", "transport=websocket")
        await upgrading.upgrade(path)
        if rng.random() < 0.3:
            await second.upgrade(path)
        for packet in rng.choice(((), ("2probe",), ("2probe", "5"), ("2probe", "3"), ("5",), ("2probe", "5", "5"))):
            await upgrading.send_packet("upgrade", packet)
            if rng.random() < 0.7:
                await upgrading.read_some()
        for _ in range(rng.randint(0, 3)):
            await upgrading.send_packet("upgrade", any_packet(rng))
        if rng.random() < 0.5:
            await client.request("poll", "GET", polling)


async def ask_for_nonsense(attacker: Attacker) -> None:
    """Proper packets with nonsense in them, and stale cursors."""
    rng = attacker.rng
    async with attacker.connection() as client:
        await client.join(any_request(rng))
        for _ in range(rng.choice((1, 5, 40))):
            await client.send_packet("event", any_event(rng))
            if rng.random() < 0.3:
                await client.read_some()
        await client.send("frame", raw_frame(rng, 8, b"\x03\xe8"))


ATTACKS: tuple[Callable[[Attacker], Awaitable[None]], ...] = (
    talk_nonsense,
    break_frames,
    flood,
    promise_attachments,
    never_read,
    storm,
    poll_nonsense,
    break_http,
    break_http,
    be_slow,
    upgrade_halfway,
    ask_for_nonsense,
)
