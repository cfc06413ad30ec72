"""A room over the real log of the local engine, without a network; for the relay on AWS a moto server."""

from collections.abc import Iterator

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from tests.contract.builders import stored_project
from tests.moto_server import Moto, start_moto
from tests.relay.aws_topic import Topic, new_topic
from tests.relay.room_fixtures import Members, Recorder, WatchedLog, Writer, room_cursor


@pytest.fixture
async def project(engine: LocalEngine) -> Project:
    return await stored_project(engine)


@pytest.fixture
async def writer(engine: LocalEngine, project: Project) -> Writer:
    return await Writer.begin(engine, project)


@pytest.fixture
def log(engine: LocalEngine) -> WatchedLog:
    return WatchedLog(engine.events)


@pytest.fixture
def member() -> Recorder:
    """A client that was in the room before its first event."""
    return Recorder()


@pytest.fixture
def members(member: Recorder) -> Members:
    return Members(member)


@pytest.fixture
def subscriber(members: Members) -> Recorder:
    """A client that is not in the room yet."""
    return Recorder(members)


@pytest.fixture
async def room(project: Project, log: WatchedLog, members: Members) -> RoomCursor:
    """A room that was opened while its project had no event."""
    cursor = room_cursor(project.project_id, log, members.emit)
    assert await cursor.reconcile() == 0
    return cursor


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """AWS in a process of its own; each test has its own topic there, and removes its relays' queues."""
    with start_moto() as moto:
        yield moto


@pytest.fixture
def topic(moto: Moto) -> Iterator[Topic]:
    with new_topic(moto) as topic:
        yield topic
