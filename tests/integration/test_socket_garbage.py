"""Raw frames that no client would send: they harm no other client, and do not fill the server's log."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.talk import Servers, own_servers, send, start_session
from tests.watcher import Watcher

SOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"
GARBAGE: dict[str, str | bytes] = {
    "no packet": "",
    "no type": "x",
    "an unknown type": "9",
    "an open packet": "0{}",
    "a ping of a client": "2",
    "an upgrade": "5",
    "an empty message": "4",
    "an unknown message": "47",
    "an error": "44",
    "an answer to nothing": "430[]",
    "an event without a name": "42[]",
    "an event that is an object": "42{}",
    "an event that is a string": '42"subscribe"',
    "a name that is an object": '42[{"a":1}]',
    "a name that is a number": "42[1]",
    "a name that is null": "42[null]",
    "half an event": '42["subscribe"',
    "a number of 5,000 digits": '42["subscribe",{"project_id":' + "9" * 5_000 + "}]",
    "a nesting of 40,000": '42["subscribe",' + "[" * 40_000 + "]" * 40_000 + "]",
    "an id of 200 digits": "42" + "1" * 200 + '["subscribe"]',
    "a binary event without its parts": '452-["subscribe"]',
    "a binary event of a billion parts": "451000000000-[]",
    "a binary event without data": "451-",
    "text for a binary part": '451-["subscribe",{"_placeholder":true,"num":0}]',
    "bytes": b"\x00\x01\xff",
    "no bytes": b"",
    "a second connection": "40",
    "an unknown namespace": "40/admin,",
    "an event of an unknown namespace": '42/admin,["subscribe"]',
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with own_servers(tmp_path_factory.mktemp("garbage")) as servers:
        yield servers


@pytest.fixture
def server_url(servers: Servers) -> str:
    return servers.url


@asynccontextmanager
async def raw_socket(servers: Servers) -> AsyncIterator[ClientConnection]:
    """A socket that has spoken the protocol so far."""
    async with connect(servers.url.replace("http", "ws") + SOCKET) as socket:
        assert str(await socket.recv()).startswith("0{")
        await socket.send("40")
        assert str(await socket.recv()).startswith("40{")
        yield socket


async def polling_url(http: httpx.AsyncClient) -> str:
    """Where a new client that polls sends its packets."""
    opened = json.loads((await http.get(POLLING)).text[1:])
    return f"{POLLING}&sid={opened['sid']}"


async def throw(socket: ClientConnection, frame: str | bytes) -> None:
    """Send the frame and a proper one after it, as far as the server lets that happen."""
    with suppress(ConnectionClosed):
        await socket.send(frame)
        await socket.send('429["unsubscribe",{"project_id":"p"}]')


async def check_others(http: httpx.AsyncClient, watcher: Watcher) -> None:
    """A connected watcher and a new one both receive a turn."""
    session = await start_session(http)
    await watcher.subscribe(session["project_id"])
    async with Watcher(str(http.base_url)) as other:
        await other.subscribe(session["project_id"])
        await send(http, session["session_id"], "Which agents are there?")
        for each in (watcher, other):
            await each.wait_for("vibecode_response")
            assert [event["seq"] for event in each.logged()] == list(range(1, len(each.logged()) + 1))


async def test_garbage_harms_no_other_socket(servers: Servers, http: httpx.AsyncClient) -> None:
    async with Watcher(servers.url) as watcher, AsyncExitStack() as sockets:
        for frame in GARBAGE.values():
            socket = await sockets.enter_async_context(raw_socket(servers))
            await throw(socket, frame)
        await check_others(http, watcher)


async def test_a_client_that_does_not_begin_with_the_protocol_harms_no_other_socket(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    async with Watcher(servers.url) as watcher:
        for frame in ("41", "42[]", '420["subscribe",{"project_id":"p"}]', "40[1]", '40{"token":', b"\xff"):
            async with connect(servers.url.replace("http", "ws") + SOCKET) as socket:
                await throw(socket, frame)
        await check_others(http, watcher)


@pytest.mark.parametrize(
    "query",
    ["", "transport=polling", "EIO=3&transport=polling", "EIO=5&transport=polling", "EIO=x", "EIO=4&transport=smoke"],
)
async def test_another_version_or_transport_of_the_protocol_is_refused(
    servers: Servers, http: httpx.AsyncClient, query: str
) -> None:
    assert (await http.get(f"/socket.io/?{query}")).status_code == 400
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with connect(servers.url.replace("http", "ws") + f"/socket.io/?{query}") as socket:
            await socket.recv()


@pytest.mark.parametrize("body", ["", "x", "4", "42[]", "\x1e", '42["subscribe"]\x1e' * 30], ids=repr)
async def test_garbage_by_polling_harms_no_other_socket(servers: Servers, http: httpx.AsyncClient, body: str) -> None:
    async with Watcher(servers.url, transports=("polling",)) as watcher:
        await http.post(await polling_url(http), content=body)
        await check_others(http, watcher)


@pytest.mark.parametrize("url", [f"{POLLING}&sid=unknown", f"{POLLING}&sid=", POLLING])
async def test_polling_without_a_socket_is_refused(http: httpx.AsyncClient, url: str) -> None:
    assert (await http.post(url, content="40")).status_code == 400
