"""The engines under test, each with what only tests ask of it: to receive notifications, and to listen to the bus."""

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from botocore.exceptions import ClientError

from backend.app.adapters.aws.event_bus import AwsEventBus
from backend.app.adapters.aws.turn_queue import AwsTurnQueue, parse_notification
from backend.app.adapters.local.turn_queue import ReceivedNotification
from backend.app.domain.engine import Engine
from backend.app.domain.ports import EventBus, IdGenerator, TurnQueue
from shared.aws_service import AwsService
from shared.bus_messages import BusMessage, bus_message_adapter

logger = logging.getLogger(__name__)

Listener = Callable[[BusMessage], None]

_LOOK_AGAIN_SECONDS = 0.01
_SETTLE_SECONDS = 20.0


class ReceivingQueue(TurnQueue, Protocol):
    """A TurnQueue with its receiving side."""

    async def receive(self, visibility_seconds: float) -> ReceivedNotification: ...

    async def acknowledge(self, receipt_handle: str) -> None: ...

    async def requeue(self, receipt_handle: str, seconds: float) -> None: ...


class ListeningBus(EventBus, Protocol):
    """An EventBus that calls listeners."""

    def listen(self, listener: Listener) -> Callable[[], None]: ...


async def _nothing_to_wait_for() -> None:
    return None


@dataclass(frozen=True)
class TestedEngine(Engine):
    """Any engine; `settle` waits until listeners have received what was published."""

    __test__ = False

    queue: ReceivingQueue
    bus: ListeningBus
    settle: Callable[[], Awaitable[None]] = _nothing_to_wait_for


class ReceivingAwsQueue(AwsTurnQueue):
    """Receives as an event source mapping does: on AWS no code of ours does that."""

    def __init__(self, sqs: AwsService, queue_url: str, ids: IdGenerator) -> None:
        super().__init__(sqs, queue_url, ids)
        self._receiver, self._url = sqs, queue_url

    async def receive(self, visibility_seconds: float) -> ReceivedNotification:
        while True:
            answer = await self._receiver.call(
                "receive_message",
                QueueUrl=self._url,
                VisibilityTimeout=int(visibility_seconds),
                WaitTimeSeconds=0,
                AttributeNames=["MessageGroupId"],
            )
            for message in answer.get("Messages", []):
                return ReceivedNotification(
                    parse_notification(message["Body"], message["Attributes"]["MessageGroupId"]),
                    message["ReceiptHandle"],
                )
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def acknowledge(self, receipt_handle: str) -> None:
        try:
            await self._receiver.call("delete_message", QueueUrl=self._url, ReceiptHandle=receipt_handle)
        except ClientError as error:
            logger.info("Not acknowledged: %s", error)

    async def requeue(self, receipt_handle: str, seconds: float) -> None:
        await self.extend(receipt_handle, seconds)


class ListeningAwsBus(AwsEventBus):
    """Receives events by an SQS queue of its own, as a relay does.

    Args:
        sns, sqs, topic_arn: as AwsEventBus has them.
        published: the ids of all events that were published to the topic; shared by all buses of a test.
    """

    def __init__(self, sns: AwsService, sqs: AwsService, topic_arn: str, published: set[str]) -> None:
        super().__init__(sns, topic_arn)
        self._published = published
        self._received: set[str] = set()
        self._topic, self._sns_service, self._sqs_service = topic_arn, sns, sqs
        self._listeners: list[Listener] = []
        self._queue_url = ""

    async def subscribe(self) -> None:
        name = f"listening-{uuid.uuid4()}.fifo"
        made = await self._sqs_service.call("create_queue", QueueName=name, Attributes={"FifoQueue": "true"})
        self._queue_url = made["QueueUrl"]
        arn = f"{self._topic.replace(':sns:', ':sqs:').rpartition(':')[0]}:{name}"
        await self._sns_service.call(
            "subscribe",
            TopicArn=self._topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
        )

        self._received = set(self._published)  # whatever was published before does not come here

    async def publish(self, event: BusMessage) -> None:
        self._published.add(event.event_id)
        await super().publish(event)

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def settle(self) -> None:
        """Wait until all that was published has come: SNS fans out when it likes."""
        assert await self.flush(_SETTLE_SECONDS)
        async with asyncio.timeout(_SETTLE_SECONDS):
            while not self._received >= self._published:
                await self._receive()
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _receive(self) -> None:
        while True:
            answer = await self._sqs_service.call(
                "receive_message", QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            for message in messages:
                self._deliver(message["Body"])
                await self._sqs_service.call(
                    "delete_message", QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
            if not messages:
                return

    def _deliver(self, body: str) -> None:
        event = bus_message_adapter.validate_python(json.loads(body), strict=False)
        self._received.add(event.event_id)
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except ConnectionError:
                logger.exception("A listener failed")
