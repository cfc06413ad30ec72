"""Regression tests of what tests/relay_fuzz found: unusual requests and frames."""

import asyncio
import gc
import socket
import struct
import weakref

import httpx
import pytest
from websockets.frames import Frame, Opcode

from backend.relay.transport.http_protocol import RelayHttpProtocol
from tests.relay.live_relay import PROJECT, LiveRelay, live_relay, until
from tests.relay.raw_client import RawWebSocket
from tests.relay.room_fixtures import WAIT_SECONDS

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = b"/socket.io/?EIO=4&transport=websocket"
ASKING = (
    b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def send(live: LiveRelay, *parts: bytes) -> bytes:
    """All that a plain connection is answered until the relay closes it."""
    reader, writer = await asyncio.open_connection(*live.address)
    try:
        for part in parts:
            writer.write(part)
        async with asyncio.timeout(WAIT_SECONDS):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def until_unconnected(live: LiveRelay) -> None:
    await live.until_empty()
    await until(lambda: not (live.server.server_state.connections or live.server.server_state.tasks))


async def test_text_that_is_not_utf8_ends_its_connection_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live:
        for parts in ((b"4\xff\xfe",), (b"4", b"2\xed\xa0\x80")):
            async with RawWebSocket(live.address) as client:
                await client.join(PROJECT)
                for number, part in enumerate(parts):
                    opcode = Opcode.CONT if number else Opcode.TEXT
                    await client.send(part, opcode, fin=number == len(parts) - 1)
                assert b"\x03\xeftext that is not UTF-8" in await client.until_closed()  # 1007
        await until_unconnected(live)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET %b HTTP/1.1\r\n%b%b\r\n" % (WEBSOCKET, ASKING, b"X: x\r\n" * 200),
        b"GET %b HTTP/1.1\r\n%bX: %b\r\n\r\n" % (WEBSOCKET, ASKING, b"x" * 9_000),
        b"POST %b HTTP/1.1\r\n%b\r\n" % (WEBSOCKET, ASKING),
        b"GET %b HTTP/1.1\r\n%bContent-Length: 5\r\n\r\nhello" % (WEBSOCKET, ASKING),
        b"GET %b&x=\xff\xe9 HTTP/1.1\r\n%b\r\n" % (WEBSOCKET, ASKING),
    ],
    ids=["200 headers", "a long header", "POST", "a body", "a path that is not ASCII"],
)
async def test_an_invalid_handshake_is_refused_and_its_connection_closed(
    request_head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_relay() as live:
        assert (await send(live, request_head)).startswith(b"HTTP/1.1 400 ")
        await until_unconnected(live)
    assert "Traceback" not in caplog.text


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request must arrive within a short time."""
    monkeypatch.setattr(RelayHttpProtocol, "request_seconds", 0.1)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r\n",
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /socket.io/?EIO=4&transport=polling&sid=%b HTTP/1.1\r\nContent-Length: 9\r\n\r\n40",
        b"POST /socket.io/?EIO=4&transport=polling&sid=%b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n40",
    ],
    ids=["nothing", "an empty line", "half a line", "half a header", "half a body", "half a chunk"],
)
async def test_an_incomplete_request_ends_its_connection(beginning: bytes) -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url) as http:
        sid = (await http.get(POLLING)).text.split('"')[3]
        assert await send(live, beginning.replace(b"%b", sid.encode())) == b""


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("beginning", [b"G", b"POST /nowhere HTTP/1.1\r\nContent-Length: 9\r\n\r\n40"])
async def test_an_incomplete_request_after_another_one_ends_its_connection(beginning: bytes) -> None:
    async with live_relay() as live:
        complete = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert (await send(live, complete + beginning)).startswith(b"HTTP/1.1 404 ")


@pytest.mark.usefixtures("hasty")
async def test_a_response_may_take_longer_than_a_request() -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url, timeout=WAIT_SECONDS) as http:
        sid = (await http.get(POLLING)).text.split('"')[3]
        poll = asyncio.create_task(http.get(f"{POLLING}&sid={sid}"))
        await asyncio.wait({poll}, timeout=3 * RelayHttpProtocol.request_seconds)
        assert not poll.done()
        await http.post(f"{POLLING}&sid={sid}", content="40")
        assert (await poll).text.startswith("40{")


@pytest.mark.parametrize(
    ("beginning", "more"), [(b"GET / HTTP/1.1\r\n", b"X: " + b"x" * 8_000 + b"\r\n"), (b"GET /", b"x" * 8_000)]
)
async def test_an_endless_head_is_refused(beginning: bytes, more: bytes) -> None:
    async with live_relay() as live:
        answer = await send(live, beginning, *[more] * 100)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        await until_unconnected(live)


async def test_a_client_that_disconnects_before_it_is_handled_causes_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live:
        for _ in range(20):
            with socket.create_connection(live.address) as client:
                client.sendall(f"POST {POLLING} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n".encode())
        await until_unconnected(live)
    assert "Traceback" not in caplog.text


async def test_an_upgrade_that_http_does_not_recognize_opens_no_socket(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url) as http:
        answer = await http.get(WEBSOCKET.decode(), headers={"Upgrade": "websocket", "Connection": "keep-alive"})
        assert answer.status_code == 400
        assert not live.relay.sio.eio.sockets
    assert "without starting response" not in caplog.text


async def test_packets_after_a_close_are_not_read(caplog: pytest.LogCaptureFixture) -> None:
    async with live_relay() as live:
        for garbage in ("{", "", "4x", "b!"):
            async with RawWebSocket(live.address) as client:
                await client.send("40")
                packets = (Frame(Opcode.TEXT, packet.encode()).serialize(mask=True) for packet in ("1", garbage))
                await client.send_bytes(b"".join(packets))
                await client.read_until(b"\x88")  # its own goodbye
        await until_unconnected(live)
    assert "Traceback" not in caplog.text


async def test_a_reset_connection_is_not_kept_in_memory() -> None:
    async with live_relay() as live:
        client = socket.create_connection(live.address)
        client.settimeout(WAIT_SECONDS)
        client.sendall(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await asyncio.to_thread(client.recv, 1_000)
        (kept,) = map(weakref.ref, live.server.server_state.connections)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        await until_unconnected(live)
        gc.collect()
        assert kept() is None


@pytest.mark.parametrize(
    ("connect", "packet"),
    [
        ((), '451-["a",{"_placeholder":true,"num":0}]'),
        ((), '461-7[{"_placeholder":true,"num":0}]'),
        (("40",), '451-/admin,["a",{"_placeholder":true,"num":0}]'),
    ],
    ids=["an event", "an answer", "another namespace"],
)
async def test_attachments_without_a_packet_end_their_connection(
    connect: tuple[str, ...], packet: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_relay() as live, RawWebSocket(live.address) as client:
        for frame in (*connect, packet):
            await client.send(frame)
        assert b"malformed: attachments" in await client.until_closed()
        await live.until_empty()
    assert "Traceback" not in caplog.text
