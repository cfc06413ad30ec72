"""Relays are killed at random under load: clients receive every event once."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from shared.aws_table import AwsTable
from tests.moto_server import Moto, start_moto
from tests.relay.aws_topic import FaultyClient, Topic, new_topic
from tests.relay.relay_cloud import Cloud, new_cloud
from tests.relay_stress.kill_clients import RoamingClient
from tests.relay_stress.kill_fleet import Fleet
from tests.relay_stress.kill_load import WAIT_SECONDS, Load

pytestmark = pytest.mark.relay_stress

_KILLS = 20
_CLIENTS = 24
_PROJECTS = 2
_SESSIONS_EACH = 3
# A third of the clients subscribes to each project alone, another third to both.
_CHOICES = ((0,), (1,), (0, 1))
# Events between two kills: from none to so many that most clients have reconnected.
_MOST_EVENTS_BETWEEN = 15


@pytest.fixture
def moto() -> Iterator[Moto]:
    """A new server for each test: state of earlier relays would slow it down."""
    with start_moto() as moto:
        yield moto


@pytest.fixture
def cloud(moto: Moto) -> Iterator[Cloud]:
    with new_topic(moto) as topic, new_cloud(moto, topic) as cloud:
        yield cloud


def table_of(cloud: Cloud, topic: Topic) -> AwsTable:
    return AwsTable(topic.service(FaultyClient(cloud.moto.client("dynamodb"))), cloud.table)


@asynccontextmanager
async def connected(clients: list[RoamingClient]) -> AsyncIterator[None]:
    """Run the clients until the block ends. Raises the error of a failed one."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(client.run()) for client in clients]
        yield
        for client in running:
            client.cancel()


async def until_all_have(clients: list[RoamingClient], last_seqs: dict[str, int]) -> None:
    """Wait until every client has received these numbers of its sessions."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not all(client.has_all(last_seqs) for client in clients):  # noqa: ASYNC110 - there is no common event
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("relays", [2, 4])
async def test_every_client_receives_every_event_once_while_relays_are_killed_twenty_times(
    cloud: Cloud, rng: random.Random, relays: int
) -> None:
    load = Load(table_of(cloud, cloud.topic), cloud.topic, rng)
    projects = [cloud.new_project() for _ in range(_PROJECTS)]
    sessions = {await load.begin_session(project_id): project_id for project_id in projects * _SESSIONS_EACH}
    async with Fleet(cloud, rng) as fleet:
        for _ in range(relays):
            fleet.start()
        await fleet.until_serving(relays)
        subscribed = [[projects[which] for which in _CHOICES[number % len(_CHOICES)]] for number in range(_CLIENTS)]
        clients = [
            RoamingClient(
                cloud.issuer.token("ann"),
                {name: project for name, project in sessions.items() if project in mine},
                fleet.choose,
            )
            for mine in subscribed
        ]
        async with connected(clients):
            flowing = asyncio.create_task(load.run())
            removed = 0
            for _ in range(_KILLS):
                await load.until_more(rng.randint(0, _MOST_EVENTS_BETWEEN))
                await fleet.until_serving(2)  # one remains to reconnect to
                await fleet.kill_one()
                removed += await fleet.remove_orphaned_queues()
            load.finish()
            await flowing
            logs = {session_id: await load.read_log(session_id) for session_id in sessions}
            await until_all_have(clients, {session_id: len(events) for session_id, events in logs.items()})
        check_received_once(clients, logs)
        await fleet.until_serving(relays)
        assert removed == len(fleet.killed) > 0
        assert len(cloud.queues()) == relays
    assert cloud.queues() == []
    assert "Traceback" not in fleet.output


def check_received_once(clients: list[RoamingClient], logs: dict[str, list[dict[str, object]]]) -> None:
    for client in clients:
        assert client.truncated == []
        assert client.duplicated() == []
        for session_id, events in client.logged().items():
            assert events == logs[session_id]
    # The test is only valid if the clients had to reconnect.
    assert sum(len(client.raw) - 1 for client in clients) > len(clients)
