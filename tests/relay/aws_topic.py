"""An SNS topic on moto for the tests of the relay, its receivers, and clients with planned failures."""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from backend.app.adapters.aws.event_bus import AwsEventBus
from backend.relay.aws.event_source import AwsEventSource
from backend.relay.aws.relay_queue import AwsRelayQueue
from backend.relay.metrics import RelayMetrics
from shared.aws_service import AwsService
from shared.bus_messages import BusMessage
from shared.events import AgentIterationEvent
from tests.moto_server import Moto

WAIT_SECONDS = 20.0
PREFIX = "vibewire-relay-"


class FaultyClient:
    """A boto3 client whose next calls of an operation fail; `requests` are all that were made."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._faults: dict[str, deque[Exception]] = {}

    def fail(self, operation: str, *errors: ClientError | BotoCoreError) -> None:
        self._faults.setdefault(operation, deque()).extend(errors)

    @property
    def calls(self) -> list[str]:
        """The operations of all requests."""
        return [operation for operation, _ in self.requests]

    def parameters_of(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of each request of an operation."""
        return [parameters for made, parameters in self.requests if made == operation]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self.client, operation)

        def call(**parameters: Any) -> Any:
            self.requests.append((operation, parameters))
            if self._faults.get(operation):
                raise self._faults[operation].popleft()
            return method(**parameters)

        return call


def refused(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "refused"}}, operation)


@dataclass
class Topic:
    """A topic without subscriptions."""

    arn: str
    sqs: FaultyClient
    sns: FaultyClient
    ecs: FaultyClient
    threads: ThreadPoolExecutor

    def service(self, client: FaultyClient) -> AwsService:
        return AwsService(lambda: cast(Any, client), self.threads)

    @property
    def bus(self) -> AwsEventBus:
        return AwsEventBus(self.service(self.sns), self.arn)

    def source(self, task_id: str, metrics: RelayMetrics | None = None) -> AwsEventSource:
        """The event source of a relay that runs as this task."""
        queue = AwsRelayQueue(self.service(self.sqs), self.service(self.sns), self.arn, queue_name(task_id))
        return AwsEventSource(queue, metrics or RelayMetrics(), wait_seconds=1, first_pause_seconds=0.001)

    async def publish(self, *events: BusMessage) -> None:
        bus = self.bus
        for event in events:
            await bus.publish(event)
        assert await bus.flush(WAIT_SECONDS)

    def publish_raw(self, body: str) -> None:
        self.sns.client.publish(
            TopicArn=self.arn, Message=body, MessageGroupId="raw", MessageDeduplicationId=str(uuid.uuid4())
        )

    def subscriptions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sns.client.list_subscriptions_by_topic(TopicArn=self.arn)["Subscriptions"]
        return found

    def queue_url(self, task_id: str) -> str | None:
        try:
            url: str = self.sqs.client.get_queue_url(QueueName=queue_name(task_id))["QueueUrl"]
        except self.sqs.client.exceptions.QueueDoesNotExist:
            return None
        return url

    def attributes(self, task_id: str) -> dict[str, str]:
        url = self.queue_url(task_id)
        found: dict[str, str] = self.sqs.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found


def queue_name(task_id: str) -> str:
    return f"{PREFIX}{task_id}.fifo"


def new_task_id() -> str:
    return uuid.uuid4().hex


@contextmanager
def new_topic(moto: Moto) -> Iterator[Topic]:
    """A new topic on a moto server."""
    clients = {name: moto.client(name) for name in ("sqs", "sns", "ecs")}
    created = clients["sns"].create_topic(Name=f"t-{uuid.uuid4().hex}.fifo", Attributes={"FifoTopic": "true"})
    with ThreadPoolExecutor(8) as threads:
        sqs, sns, ecs = map(FaultyClient, clients.values())
        yield Topic(created["TopicArn"], sqs, sns, ecs, threads)
    for client in clients.values():
        client.close()


def iteration(seq: int, project_id: str = "p", session_id: str = "s", content: str = "") -> AgentIterationEvent:
    return AgentIterationEvent(
        event_id=str(uuid.uuid4()),
        project_id=project_id,
        session_id=session_id,
        message_id="m",
        created_at=datetime.now(UTC),
        seq=seq,
        attempt=1,
        agent="vibecoder",
        iteration=1,
        content=content,
    )


def policy_of(attributes: dict[str, str]) -> Any:
    return json.loads(attributes["Policy"])


class Receiver:
    """A relay's loop over its source, which records the received events."""

    def __init__(self, source: AwsEventSource) -> None:
        self.source = source
        self.events: list[BusMessage] = []
        self._changed = asyncio.Event()

    async def run(self) -> None:
        while True:
            self.events += await self.source.receive()
            self._changed.set()

    async def until(self, count: int) -> list[BusMessage]:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.events) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.events


@asynccontextmanager
async def receiving(source: AwsEventSource) -> AsyncIterator[Receiver]:
    """A relay that receives published events; its queue is removed at the end."""
    relay = Receiver(source)
    task = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await source.probe()
        yield relay
    finally:
        task.cancel()
        await asyncio.wait({task})
        await source.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():
            pass


def contents(events: Sequence[BusMessage]) -> list[str | None]:
    return [event.content for event in events if isinstance(event, AgentIterationEvent)]
