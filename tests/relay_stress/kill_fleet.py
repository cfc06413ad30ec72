"""Relays as ECS tasks: processes with their own queues. A killed one is replaced, as ECS does."""

import asyncio
import random
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from backend.app.adapters.aws.relay_queues import AwsRelayQueues
from tests.relay.aws_topic import PREFIX
from tests.relay.ecs_metadata import ecs_metadata
from tests.relay.relay_cloud import Cloud, until_ready
from tests.server_process import ServerProcess

WAIT_SECONDS = 60.0
_CLUSTER = "vibewire"
_DRAIN_SECONDS = "1"


@dataclass(frozen=True)
class RelayTask:
    """A relay that runs as an ECS task."""

    arn: str
    process: ServerProcess

    @property
    def task_id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def url(self) -> str:
        return self.process.url


class Fleet:
    """The relays. Use it in an `async with` block, at whose end all are stopped.

    Attributes:
        serving: those that a load balancer would route clients to.
        killed: those that were ended by SIGKILL, and left their queues behind.
        stopped: those that were ended by SIGTERM.
    """

    def __init__(self, cloud: Cloud, rng: random.Random) -> None:
        self.serving: list[RelayTask] = []
        self.killed: list[RelayTask] = []
        self.stopped: list[RelayTask] = []
        self._cloud = cloud
        self._rng = rng
        self._ecs = cloud.moto.client("ecs")
        self._closing = ExitStack()
        self._starting: set[asyncio.Task[None]] = set()
        self._network = self._make_cluster()

    async def __aenter__(self) -> "Fleet":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting:
            await asyncio.wait(self._starting)
        await asyncio.gather(*(asyncio.to_thread(relay.process.stop) for relay in self.serving))
        await asyncio.to_thread(self._closing.close)
        self._ecs.close()

    def start(self) -> None:
        """Start one more relay, in the background."""
        self._starting.add(asyncio.create_task(self._start()))

    async def until_serving(self, count: int) -> None:
        """Wait until `count` relays serve. Raises the error of one that did not start."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.serving) < count:
                done, self._starting = await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
                for started in done:
                    started.result()

    def choose(self) -> str:
        """The URL that a load balancer would route the next client to."""
        return self._rng.choice(self.serving).url

    async def kill_one(self) -> None:
        """End one of the serving relays, mostly by SIGKILL, and start another in its place."""
        relay = self._rng.choice(self.serving)
        self.serving.remove(relay)
        self.start()
        if self._rng.random() < 0.75:
            await asyncio.to_thread(relay.process.kill)
            self.killed.append(relay)
        else:
            assert await asyncio.to_thread(relay.process.stop) == 0
            self.stopped.append(relay)
        await asyncio.to_thread(self._ecs.stop_task, cluster=_CLUSTER, task=relay.arn)

    async def remove_orphaned_queues(self) -> int:
        """Run what the schedule runs. Returns how many queues it removed."""
        topic = self._cloud.topic
        sqs, sns, ecs = map(topic.service, (topic.sqs, topic.sns, topic.ecs))
        queues = AwsRelayQueues(
            sqs,
            sns,
            ecs,
            topic_arn=topic.arn,
            prefix=PREFIX,
            cluster=_CLUSTER,
            clock=_Clock(),
            min_age=timedelta(0),
        )
        return await queues.remove_orphaned_relay_queues()

    @property
    def output(self) -> str:
        """What all relays printed."""
        return "".join(relay.process.output for relay in (*self.serving, *self.killed, *self.stopped))

    async def _start(self) -> None:
        relay = await asyncio.to_thread(self._run_task)
        await until_ready(relay.url)
        self.serving.append(relay)

    def _run_task(self) -> RelayTask:
        started = self._ecs.run_task(
            cluster=_CLUSTER, taskDefinition="relay", launchType="FARGATE", networkConfiguration=self._network
        )
        arn: str = started["tasks"][0]["taskArn"]
        metadata = self._closing.enter_context(ecs_metadata(arn.rsplit("/", 1)[-1]))
        process = self._cloud.quick_relay(metadata.uri, drain_seconds=_DRAIN_SECONDS)
        return RelayTask(arn, self._closing.enter_context(process))

    def _make_cluster(self) -> dict[str, Any]:
        ec2 = self._cloud.moto.client("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        ec2.close()
        self._ecs.create_cluster(clusterName=_CLUSTER)
        # Otherwise moto stops a task by itself once it was described a few times.
        transition = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1_000_000}}
        httpx.post(f"{self._cloud.moto.url}/moto-api/state-manager/set-transition", json=transition).raise_for_status()
        container = {"name": "relay", "image": "relay", "memory": 512, "cpu": 256}
        self._ecs.register_task_definition(family="relay", containerDefinitions=[container])
        return {"awsvpcConfiguration": {"subnets": [subnet]}}


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)
