"""Drivers for the suites of AwsEventBus: a topic with one subscriber, and an SNS client with planned failures."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

from botocore.exceptions import ClientError, ConnectTimeoutError

from backend.app.adapters.aws.event_bus import AwsEventBus
from shared.aws_service import AwsService
from shared.events import TextDeltaEvent
from tests.moto_aws import aws_account, aws_services

SNS_BYTES = 256 * 1024
WAIT_SECONDS = 10.0

Entry = dict[str, Any]
# Given a call's entries: raises, or says which of them fail and how (by Id).
Fault = Callable[[list[Entry]], dict[str, Entry]]


def throttled(_: list[Entry]) -> dict[str, Entry]:
    raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "PublishBatch")


def unreachable(_: list[Entry]) -> dict[str, Entry]:
    raise ConnectTimeoutError(endpoint_url="https://sns.us-east-1.amazonaws.com")


def failing(*texts: str, sender_fault: bool = False) -> Fault:
    """SNS takes the call, but not the entries with these texts."""

    def fail(entries: list[Entry]) -> dict[str, Entry]:
        code = "InvalidParameter" if sender_fault else "InternalError"
        return {
            entry["Id"]: {"Id": entry["Id"], "Code": code, "SenderFault": sender_fault}
            for entry in entries
            if json.loads(entry["Message"])["text"] in texts
        }

    return fail


@dataclass
class WatchedSns:
    """A boto3 client of SNS that keeps its publishing calls, and has the next ones fail.

    Attributes:
        calls: the entries of each call.
        taken: the de-duplication ids of those that SNS took.
    """

    client: Any
    calls: list[list[Entry]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    is_called: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[Entry]) -> dict[str, Any]:  # noqa: N803
        entries = PublishBatchRequestEntries
        self.is_called.set()
        assert self.go_on.wait(WAIT_SECONDS)
        self.calls.append(entries)
        # SNS checks it, moto does not.
        assert sum(len(entry["Message"].encode()) for entry in entries) <= SNS_BYTES
        failed = self.faults.pop(0)(entries) if self.faults else {}
        taken = [entry for entry in entries if entry["Id"] not in failed]
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        if taken:
            answer = self.client.publish_batch(TopicArn=TopicArn, PublishBatchRequestEntries=taken)
            successful = {one["Id"] for one in answer["Successful"]}
            self.taken |= {entry["MessageDeduplicationId"] for entry in taken if entry["Id"] in successful}
        return answer | {"Failed": [*answer["Failed"], *failed.values()]}


@dataclass
class Topic:
    """A topic with one subscribed queue."""

    arn: str
    sns: WatchedSns
    service: AwsService
    sqs: Any
    queue_url: str
    _came: set[str] = field(default_factory=set)

    def received(self) -> list[Entry]:
        """Everything that SNS took and that was not received before, in order within each group."""
        found = self._receive()
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._came >= self.sns.taken:  # SNS fans out when it likes
            assert time.monotonic() < deadline, f"{len(self.sns.taken - self._came)} events did not come"
            time.sleep(0.01)
            found += self._receive()
        return found

    def _receive(self) -> list[Entry]:
        found: list[Entry] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            found += messages
            for message in messages:
                self._came.add(message["Attributes"]["MessageDeduplicationId"])
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def texts(self, session_id: str = "s") -> list[str]:
        return [
            event["text"] for one in self.received() if (event := json.loads(one["Body"]))["session_id"] == session_id
        ]


@contextmanager
def subscribed_topic() -> Iterator[Topic]:
    """A topic on a moto of its own; calls run in one thread, since moto is not thread safe."""
    with aws_account(), ThreadPoolExecutor(1) as threads:
        name = str(uuid.uuid4())
        services = aws_services()
        sns, sqs = cast(Any, services.sns.client), cast(Any, services.sqs.client)
        arn = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        sns.subscribe(
            TopicArn=arn,
            Protocol="sqs",
            Endpoint=f"{arn.replace(':sns:', ':sqs:').rsplit(':', 1)[0]}:{name}.fifo",
            Attributes={"RawMessageDelivery": "true"},
        )
        watched = WatchedSns(sns)
        yield Topic(arn, watched, AwsService(lambda: cast(Any, watched), threads), sqs, url)


_numbers = count(1)


def delta(text: str, session_id: str = "s") -> TextDeltaEvent:
    return TextDeltaEvent(
        event_id=f"event-{next(_numbers)}",
        project_id="p",
        session_id=session_id,
        created_at=datetime.now(UTC),
        message_id="m",
        attempt=1,
        agent="vibecoder",
        iteration=1,
        offset=0,
        text=text,
    )


async def publish_texts(bus: AwsEventBus, *texts: str) -> None:
    for text in texts:
        await bus.publish(delta(text))


def numbered(last: int) -> list[str]:
    return [f"text-{number}" for number in range(1, last + 1)]
