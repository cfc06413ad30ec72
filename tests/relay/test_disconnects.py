"""Clients that disconnect leave no room behind, at whatever point. Over the ASGI application, without a network."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import socketio

from backend.app.domain.projects.project import Project, ProjectChange
from backend.app.wiring_local import LocalEngine
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from shared.access import AccessReader, ProjectAccess
from shared.bus_messages import AccessChangedEvent
from shared.identity import LOCAL_USER, LocalAuthenticator
from tests.contract.builders import stored_project
from tests.relay.room_fixtures import WAIT_SECONDS, Reads, Source, WatchedLog, Writer

SOCKET = "/socket.io/?EIO=4&transport=polling"


class SlowAccess:
    """An AccessReader that answers once `go_on` is set."""

    def __init__(self, access: AccessReader) -> None:
        self._access = access
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        self.asked.set()
        await self.go_on.wait()
        return await self._access.find_access(project_id)


class PollingClient:
    """A minimal Socket.IO client over polling."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._url = ""
        self.packets: list[str] = []

    async def connect(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            opened = await self._http.get(SOCKET)
        self._url = f"{SOCKET}&sid={json.loads(opened.text[1:])['sid']}"
        await self.post("40")
        await self.answer_to("40")

    async def post(self, packet: str) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            answer = await self._http.post(self._url, content=packet)
        assert answer.text == "OK"

    async def subscribe(self, project_id: str) -> dict[str, Any]:
        await self.post(f'421["subscribe",{{"project_id":"{project_id}"}}]')
        ack: list[dict[str, Any]] = json.loads((await self.answer_to("431"))[3:])
        return ack[0]

    async def answer_to(self, start: str) -> str:
        """Poll until a packet with this beginning comes."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not (found := [packet for packet in self.packets if packet.startswith(start)]):
                self.packets += (await self._http.get(self._url)).text.split("\x1e")
        return found[-1]


@pytest.fixture
def access(engine: LocalEngine) -> SlowAccess:
    return SlowAccess(engine.access)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def http(access: SlowAccess, log: WatchedLog, source: Source) -> AsyncIterator[httpx.AsyncClient]:
    relay = Relay(LocalAuthenticator(), access, log, RelaySettings(fill_seconds=0.01, origins=()))
    running = asyncio.create_task(relay.run(source))
    transport = httpx.ASGITransport(socketio.ASGIApp(relay.sio))
    async with httpx.AsyncClient(transport=transport, base_url="http://relay") as client:
        yield client
    running.cancel()
    await asyncio.wait({running})
    await relay.sio.shutdown()


@pytest.fixture
async def client(http: httpx.AsyncClient) -> PollingClient:
    client = PollingClient(http)
    await client.connect()
    return client


@pytest.fixture
async def mine(engine: LocalEngine) -> Project:
    return await stored_project(engine, owner=LOCAL_USER)


async def is_closed(engine: LocalEngine, http: httpx.AsyncClient, log: WatchedLog, project: Project) -> bool:
    """Whether the project's room is no longer compared with the log, while another one's is."""
    witness, other = PollingClient(http), await stored_project(engine, owner=LOCAL_USER)
    await witness.connect()
    assert (await witness.subscribe(other.project_id))["ok"] is True
    reads = Reads(log)
    await reads.wait_for_more(other.project_id, 4)
    return reads.count(project.project_id) <= 1  # one read may have been running


async def test_a_client_receives_the_events_of_its_room(
    engine: LocalEngine, client: PollingClient, source: Source, mine: Project
) -> None:
    writer = await Writer.begin(engine, mine)
    assert (await client.subscribe(mine.project_id))["ok"] is True
    source.deliver(await writer.log())
    assert '"seq":1' in await client.answer_to('42["agent_iteration"')


async def test_a_room_with_a_subscriber_stays_open(
    engine: LocalEngine, http: httpx.AsyncClient, client: PollingClient, log: WatchedLog, mine: Project
) -> None:
    await client.subscribe(mine.project_id)
    assert not await is_closed(engine, http, log, mine)


@pytest.mark.parametrize("goodbye", ["1", "41", f'42["unsubscribe",{{"project_id":"{"{}"}"}}]'])
async def test_the_room_of_a_client_that_left_is_closed(
    engine: LocalEngine, http: httpx.AsyncClient, client: PollingClient, log: WatchedLog, mine: Project, goodbye: str
) -> None:
    await client.subscribe(mine.project_id)
    await client.post(goodbye.replace("{}", mine.project_id))
    assert await is_closed(engine, http, log, mine)


@pytest.mark.parametrize("goodbye", ["1", "41"])
async def test_a_client_that_leaves_while_its_access_is_read_leaves_no_room(
    engine: LocalEngine,
    http: httpx.AsyncClient,
    client: PollingClient,
    access: SlowAccess,
    log: WatchedLog,
    mine: Project,
    goodbye: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    access.go_on.clear()
    await client.post(f'421["subscribe",{{"project_id":"{mine.project_id}"}}]')
    await access.asked.wait()
    await client.post(goodbye)
    access.go_on.set()
    assert await is_closed(engine, http, log, mine)
    assert "Traceback" not in caplog.text


async def test_a_removed_member_gets_access_lost_and_no_further_events(
    engine: LocalEngine,
    http: httpx.AsyncClient,
    client: PollingClient,
    source: Source,
    log: WatchedLog,
) -> None:
    shared = await stored_project(engine, owner="ann", members=(LOCAL_USER,))
    assert (await client.subscribe(shared.project_id))["ok"] is True
    await engine.projects.update_project(shared.project_id, ProjectChange(members=()), engine.clock.now())
    changed = AccessChangedEvent(
        event_id=engine.ids.new_id(), project_id=shared.project_id, created_at=engine.clock.now()
    )
    source.deliver(changed)
    assert shared.project_id in await client.answer_to('42["access_lost"')
    assert await is_closed(engine, http, log, shared)


@pytest.mark.parametrize("name", ["connect", "disconnect"])
async def test_an_event_that_a_client_named_connect_or_disconnect_is_ignored(
    engine: LocalEngine,
    http: httpx.AsyncClient,
    client: PollingClient,
    source: Source,
    log: WatchedLog,
    mine: Project,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = await Writer.begin(engine, mine)
    await client.subscribe(mine.project_id)
    await client.post(f'42["{name}","x"]')
    await client.post('422["unsubscribe",{"project_id":"another"}]')
    await client.answer_to("432")
    source.deliver(await writer.log())
    assert '"seq":1' in await client.answer_to('42["agent_iteration"')
    await client.post("1")
    assert await is_closed(engine, http, log, mine)
    assert "Traceback" not in caplog.text
