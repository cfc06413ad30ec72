"""Access is lost while the relay is busy with something else: over the relay's ASGI application, without a network."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import socketio

from backend.app.domain.projects.project import Project, ProjectChange
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from shared.bus_messages import AccessChangedEvent
from shared.jwt_authenticator import JwtAuthenticator
from tests.contract.builders import stored_project
from tests.identity.issuer import TokenIssuer
from tests.identity.people import RawSocket
from tests.relay.room_fixtures import WAIT_SECONDS, Source, WatchedLog, Writer

LOST = '42["access_lost"'
EVENT_PACKET = '42["agent_iteration"'


class SlowLog(WatchedLog):
    """A log whose reads wait until they are released."""

    def hold(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.on_read = self._wait

    async def _wait(self, _: str) -> None:
        self.asked.set()
        async with asyncio.timeout(WAIT_SECONDS):
            await self.go_on.wait()


@pytest.fixture
def log(engine: LocalEngine) -> SlowLog:
    return SlowLog(engine.events)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def sockets(
    engine: LocalEngine, log: SlowLog, source: Source, authenticator: JwtAuthenticator, issuer: TokenIssuer
) -> AsyncIterator[tuple[RawSocket, RawSocket]]:
    """The sockets of the owner and of a member."""
    settings = RelaySettings(fill_seconds=3_600, origins=())
    relay = Relay(authenticator, engine.access, log, settings)
    running = asyncio.create_task(relay.run(source))
    transport = httpx.ASGITransport(socketio.ASGIApp(relay.sio))
    async with AsyncExitStack() as stack:
        owner, member = [await stack.enter_async_context(RawSocket("http://relay", transport)) for _ in range(2)]
        for user, socket in (("owner", owner), ("member", member)):
            await socket.connect({"token": issuer.token(user)})
            await socket.answer_to("40{")
        yield owner, member
    running.cancel()
    await asyncio.wait({running})
    await relay.sio.shutdown()


@pytest.fixture
async def project(engine: LocalEngine) -> Project:
    return await stored_project(engine, owner="owner", members=("member",))


async def remove_members(engine: LocalEngine, source: Source, project: Project) -> None:
    now = engine.clock.now()
    await engine.projects.update_project(project.project_id, ProjectChange(members=()), now)
    source.deliver(AccessChangedEvent(event_id=engine.ids.new_id(), project_id=project.project_id, created_at=now))


def subscription(number: int, project: Project, **after: int) -> str:
    return f"42{number}{json.dumps(['subscribe', {'project_id': project.project_id, 'after': after}])}"


@pytest.mark.parametrize("history", [0, 3])
async def test_a_member_that_is_removed_while_it_subscribes_receives_nothing_after_access_lost(
    engine: LocalEngine,
    log: SlowLog,
    source: Source,
    sockets: tuple[RawSocket, RawSocket],
    project: Project,
    history: int,
) -> None:
    owner, member = sockets
    writer = await Writer.begin(engine, project)
    await writer.log_many(history)
    await owner.post(subscription(1, project))
    await owner.answer_to("431")
    log.hold()
    await member.post(subscription(1, project, **{writer.session_id: 0}))
    await log.asked.wait()
    await remove_members(engine, source, project)
    await member.answer_to(LOST)
    log.go_on.set()
    await member.answer_to("431")
    source.deliver(await writer.log())
    await owner.answer_to(EVENT_PACKET)
    await member.post(f"422{json.dumps(['unsubscribe', {'project_id': 'another'}])}")
    await member.answer_to("432")
    received = [packet for packet in member.packets if packet.startswith(EVENT_PACKET)]
    assert received == []


async def test_subscribers_receive_the_deletion_of_a_late_session(
    engine: LocalEngine, log: SlowLog, source: Source, sockets: tuple[RawSocket, RawSocket], project: Project
) -> None:
    owner, _ = sockets
    writer = await Writer.begin(engine, project)
    await owner.post(subscription(1, project))
    await owner.answer_to("431")
    await writer.log()  # the bus loses it: the room must read the log before it can send the deletion
    engine.bus.listen(source.deliver)
    log.hold()
    asyncio.get_running_loop().call_later(0.3, log.go_on.set)
    services = build_services(LocalSettings(), engine)
    await services.projects.delete_project("owner", project.project_id)
    await owner.answer_to(LOST)
    names = [packet.split('"')[1] for packet in owner.packets if packet.startswith("42")]
    assert "session_deleted" in names
    assert names[-1] == "access_lost"
