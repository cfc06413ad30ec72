"""A relay notices that ECS stops its task, drains its clients and ends, before the load balancer closes them all."""

import asyncio
import os
import signal
from typing import Any

import httpx
import pytest

from backend.relay.aws.ecs_drain_watch import wait_for_task_stop
from tests.moto_server import Moto
from tests.relay.aws_topic import FaultyClient, Topic, refused
from tests.relay.ecs_metadata import ecs_metadata
from tests.relay.ecs_tasks import CLUSTER, create_cluster, run_task
from tests.relay.live_relay import until
from tests.relay.relay_cloud import new_cloud, until_ready

OFTEN = 0.001
HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
# Draining so many takes two seconds.
CONNECTIONS = 400


class Ecs:
    """Answers describe_tasks with each answer in turn, then always with the last one."""

    def __init__(self, *answers: list[dict[str, str]]) -> None:
        self._answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def describe_tasks(self, **parameters: Any) -> dict[str, Any]:
        self.requests.append(parameters)
        return {"tasks": self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]}


def task(desired: str, last: str) -> list[dict[str, str]]:
    return [{"desiredStatus": desired, "lastStatus": last}]


async def wait_for_stop(topic: Topic, ecs: FaultyClient) -> None:
    async with asyncio.timeout(20):
        await wait_for_task_stop(topic.service(ecs), CLUSTER, "task", OFTEN)


async def test_a_task_stops_when_its_desired_status_is_stopped(topic: Topic) -> None:
    stays = [task("RUNNING", "PENDING"), task("RUNNING", "RUNNING"), []]
    ecs = Ecs(*stays, task("STOPPED", "DEACTIVATING"))
    await wait_for_stop(topic, FaultyClient(ecs))
    assert ecs.requests == [{"cluster": CLUSTER, "tasks": ["task"]}] * 4


async def test_errors_of_ecs_are_retried_and_logged_once(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    ecs = FaultyClient(Ecs(task("STOPPED", "DEACTIVATING")))
    ecs.fail("describe_tasks", *[refused("DescribeTasks", "ThrottlingException")] * 3)
    await wait_for_stop(topic, ecs)
    assert len(ecs.calls) == 4
    assert caplog.text.count("ECS does not say whether this task is to stop") == 1


async def test_a_relay_whose_task_is_stopped_drains_its_clients_and_ends(moto: Moto, topic: Topic) -> None:
    create_cluster(moto)
    task_id = run_task(moto)
    with (
        new_cloud(moto, topic) as cloud,
        ecs_metadata(task_id) as metadata,
        cloud.quick_relay(metadata.uri, relay_cluster=CLUSTER) as relay,
    ):
        await until_ready(relay.url)
        async with cloud.watcher(relay.url) as watcher:
            topic.ecs.client.stop_task(cluster=CLUSTER, task=task_id)
            await until(lambda: not watcher.client.connected)
            await until(lambda: relay.returncode is not None)
        assert relay.returncode == 0
        assert cloud.queues() == []
        assert topic.subscriptions() == []


async def test_a_draining_relay_is_alive_but_not_ready_and_refuses_new_clients(moto: Moto, topic: Topic) -> None:
    with new_cloud(moto, topic) as cloud, cloud.relay() as relay:
        await until_ready(relay.url)
        # One connection from before, like those of the load balancer.
        async with httpx.AsyncClient(base_url=relay.url) as http:
            for _ in range(CONNECTIONS):
                assert (await http.get(HANDSHAKE)).status_code == 200
            os.kill(relay.pid, signal.SIGTERM)
            async with asyncio.timeout(20):
                while (refused := await http.get(HANDSHAKE)).status_code == 200:
                    pass
            assert (refused.status_code, refused.json()["code"]) == (503, "leaving")
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/healthz")).status_code == 200
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection("127.0.0.1", int(relay.url.rsplit(":", 1)[1]))
        await until(lambda: relay.returncode is not None)
        assert relay.returncode == 0
        assert cloud.queues() == []
