"""A room over the real log of the local engine, and no network; for the relay on AWS a moto server."""

from collections.abc import Iterator

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from tests.contract.builders import stored_project
from tests.moto_server import Moto, start_moto
from tests.relay.aws_topic import Topic, new_topic
from tests.relay.rooms import Audience, Heard, WatchedLog, Writer


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
def heard() -> Heard:
    """Somebody who was in the room from its opening."""
    return Heard()


@pytest.fixture
def audience(heard: Heard) -> Audience:
    return Audience(heard)


@pytest.fixture
async def room(project: Project, log: WatchedLog, audience: Audience) -> RoomCursor:
    """A room that was opened while its project had no event."""
    cursor = RoomCursor(project.project_id, log, audience.tell)
    assert await cursor.fill() == 0
    return cursor


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """AWS in a process of its own; each test has a topic of its own there, and leaves no relay's queue behind."""
    with start_moto() as moto:
        yield moto


@pytest.fixture
def topic(moto: Moto) -> Iterator[Topic]:
    with new_topic(moto) as topic:
        yield topic
