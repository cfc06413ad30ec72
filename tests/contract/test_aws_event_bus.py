"""What AwsEventBus owes beyond the port: bounds of SNS, order after failures, throttling, and Lambda's frozen loop."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from moto import mock_aws

from backend.app.adapters.aws_event_bus import AwsEventBus
from shared.aws_service import AwsService
from shared.events import AccessChangedEvent, CodeChangedEvent, TextDeltaEvent, bus_message_adapter

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
    """A boto3 client of SNS that keeps its publishing calls, and has the next ones fail."""

    client: Any
    calls: list[list[Entry]] = field(default_factory=list)
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
        return answer | {"Failed": [*answer["Failed"], *failed.values()]}


@dataclass
class Topic:
    """A topic with one queue that hears it."""

    arn: str
    sns: WatchedSns
    service: AwsService
    sqs: Any
    queue_url: str

    def received(self) -> list[Entry]:
        """Everything that came to the queue, in order within each group."""
        found: list[Entry] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            found += messages
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def texts(self, session_id: str = "s") -> list[str]:
        return [
            event["text"] for one in self.received() if (event := json.loads(one["Body"]))["session_id"] == session_id
        ]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Topic]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), ThreadPoolExecutor(1) as threads:
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        arn = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        sns.subscribe(
            TopicArn=arn,
            Protocol="sqs",
            Endpoint=f"{arn.replace(':sns:', ':sqs:').rsplit(':', 1)[0]}:q.fifo",
            Attributes={"RawMessageDelivery": "true"},
        )
        watched = WatchedSns(sns)
        yield Topic(arn, watched, AwsService(cast(Any, watched), threads), sqs, url)


@pytest.fixture
def bus(topic: Topic) -> AwsEventBus:
    return AwsEventBus(topic.service, topic.arn, pause_seconds=0.001)


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


async def test_an_event_goes_out_in_the_group_of_its_session_and_under_its_own_id(
    bus: AwsEventBus, topic: Topic
) -> None:
    event = delta("é ☂")
    await bus.publish(event)
    assert await bus.flush(WAIT_SECONDS)
    (message,) = topic.received()
    assert message["Attributes"]["MessageGroupId"] == "s"
    assert message["Attributes"]["MessageDeduplicationId"] == event.event_id
    assert bus_message_adapter.validate_json(message["Body"]) == event


async def test_an_event_of_no_session_goes_out_in_the_group_of_its_project(bus: AwsEventBus, topic: Topic) -> None:
    now = datetime.now(UTC)
    await bus.publish(AccessChangedEvent(event_id="e1", project_id="p", created_at=now))
    await bus.publish(
        CodeChangedEvent(event_id="e2", project_id="p", session_id=None, message_id=None, created_at=now, version=2)
    )
    await bus.flush(WAIT_SECONDS)
    assert [one["Attributes"]["MessageGroupId"] for one in topic.received()] == ["p", "p"]


async def test_a_call_takes_at_most_ten_events(bus: AwsEventBus, topic: Topic) -> None:
    await publish_texts(bus, *numbered(25))
    assert await bus.flush(WAIT_SECONDS)
    assert [len(call) for call in topic.sns.calls] == [10, 10, 5]
    assert topic.texts() == numbered(25)


async def test_a_call_takes_at_most_256_kilobytes_in_all(bus: AwsEventBus, topic: Topic) -> None:
    sizes = [120_000, 120_000, 120_000, 199_000, 10, 10, 60_000]
    for size in sizes:
        await bus.publish(delta("x" * size))
    assert await bus.flush(WAIT_SECONDS)
    assert [len(call) for call in topic.sns.calls] == [2, 1, 3, 1]
    assert [len(text) for text in topic.texts()] == sizes


@pytest.mark.xfail(strict=True, reason="moto takes batches of any size; WatchedSns checks it in its stead")
def test_sns_refuses_a_batch_of_more_than_256_kilobytes(topic: Topic) -> None:
    entries = [
        {"Id": str(n), "Message": "x" * 200_000, "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
        for n in range(2)
    ]
    with pytest.raises(topic.sns.client.exceptions.BatchRequestTooLongException):
        topic.sns.client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries)


async def test_publishing_waits_for_nobody(bus: AwsEventBus, topic: Topic) -> None:
    topic.sns.go_on.clear()
    await publish_texts(bus, *numbered(30))
    assert topic.sns.calls == []
    topic.sns.go_on.set()
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(30)


@pytest.mark.parametrize("fault", [throttled, unreachable])
async def test_a_call_that_failed_is_repeated_and_the_order_is_kept(
    bus: AwsEventBus, topic: Topic, fault: Fault
) -> None:
    topic.sns.faults = [fault, fault]
    await publish_texts(bus, *numbered(12))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(12)
    assert bus.dropped == 0


async def test_a_call_that_was_taken_though_it_seemed_to_fail_is_not_doubled(bus: AwsEventBus, topic: Topic) -> None:
    def take_and_fail(entries: list[Entry]) -> dict[str, Entry]:
        topic.sns.client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries)
        return unreachable(entries)

    topic.sns.faults = [take_and_fail]
    await publish_texts(bus, *numbered(3))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(3)


async def test_what_sns_never_takes_is_dropped_with_a_line_and_the_rest_goes_on(
    bus: AwsEventBus, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    topic.sns.faults = [throttled] * 3
    await publish_texts(bus, *numbered(12))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(12)[10:]
    assert bus.dropped == 10
    assert caplog.messages == [
        "Dropped 10 events on their way to the relays: SNS did not take them 3 times: Throttling"
    ]


async def test_failed_entries_at_the_end_of_their_session_are_sent_again_in_order(
    bus: AwsEventBus, topic: Topic
) -> None:
    topic.sns.faults = [failing("text-3", "text-4", "text-5")]
    await publish_texts(bus, *numbered(4))
    await bus.publish(delta("of another", session_id="t"))
    await publish_texts(bus, "text-5")
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(5)
    assert len(topic.sns.calls) == 2
    assert bus.dropped == 0


async def test_a_failed_entry_that_a_later_one_of_its_session_overtook_is_dropped(
    bus: AwsEventBus, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    topic.sns.faults = [failing("text-2", "text-4")]
    await publish_texts(bus, *numbered(4))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == ["text-1", "text-3", "text-4"]
    assert bus.dropped == 1
    assert "was overtaken" in caplog.text


async def test_what_comes_in_while_a_failed_entry_waits_does_not_overtake_it(bus: AwsEventBus, topic: Topic) -> None:
    def fail_and_publish(entries: list[Entry]) -> dict[str, Entry]:
        asyncio.run_coroutine_threadsafe(publish_texts(bus, "text-2", "text-3"), loop).result(WAIT_SECONDS)
        return failing("text-1")(entries)

    loop = asyncio.get_running_loop()
    topic.sns.faults = [fail_and_publish, failing("text-1", "text-2", "text-3")]
    await publish_texts(bus, "text-1")
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(3)


async def test_an_entry_that_sns_calls_our_fault_is_not_sent_again(
    bus: AwsEventBus, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    topic.sns.faults = [failing("text-2", sender_fault=True)]
    await publish_texts(bus, *numbered(2))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == ["text-1"]
    assert "SNS refused it: InvalidParameter" in caplog.text
    assert len(topic.sns.calls) == 1


async def test_a_full_buffer_drops_the_newest_with_one_line_and_counts_them(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    bus = AwsEventBus(topic.service, topic.arn, max_events=5)
    await publish_texts(bus, *numbered(9))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(5)
    assert bus.dropped == 4
    assert len(caplog.records) == 1
    await publish_texts(bus, "text-10")
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == ["text-10"]


async def test_the_buffer_is_bounded_in_bytes_too(topic: Topic) -> None:
    bus = AwsEventBus(topic.service, topic.arn, max_bytes=100_000)
    for size in (60_000, 60_000, 10_000):
        await bus.publish(delta("x" * size))
    assert await bus.flush(WAIT_SECONDS)
    assert [len(text) for text in topic.texts()] == [60_000, 10_000]
    assert bus.dropped == 1


async def test_flushing_waits_no_longer_than_it_may_and_loses_nothing(bus: AwsEventBus, topic: Topic) -> None:
    topic.sns.go_on.clear()
    await publish_texts(bus, *numbered(3))
    assert not await bus.flush(0.05)
    topic.sns.go_on.set()
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(3)


async def test_flushing_an_empty_bus_returns_at_once(bus: AwsEventBus) -> None:
    assert await bus.flush(0)


def test_a_loop_that_stands_still_between_two_calls_goes_on_where_it_was(bus: AwsEventBus, topic: Topic) -> None:
    with asyncio.Runner() as runner:
        runner.run(publish_texts(bus, *numbered(12)))
        runner.run(publish_texts(bus, "text-13"))
        assert runner.run(bus.flush(WAIT_SECONDS))
    assert topic.texts() == numbered(13)


def test_what_a_closed_loop_left_goes_out_on_the_next_one(bus: AwsEventBus, topic: Topic) -> None:
    asyncio.run(publish_texts(bus, *numbered(3)))
    asyncio.run(publish_texts(bus, "text-4"))

    async def flush() -> bool:
        return await bus.flush(WAIT_SECONDS)

    assert asyncio.run(flush())
    assert topic.texts() == numbered(4)


async def test_characters_that_sqs_takes_in_no_message_get_through(bus: AwsEventBus, topic: Topic) -> None:
    event = delta("a\ufffeb\uffffc\x00\x1b\\ufffe\ud7ff\U0010ffff")
    await bus.publish(event)
    assert await bus.flush(WAIT_SECONDS)
    (message,) = topic.received()
    assert not set(message["Body"]) & {"\ufffe", "\uffff", "\x00", "\x1b"}
    assert bus_message_adapter.validate_json(message["Body"]) == event


async def test_an_event_that_cannot_be_sent_at_all_harms_nobody(
    bus: AwsEventBus, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    await bus.publish(delta("secret \ud800"))
    await bus.publish(delta("secret" + "x" * 260_000))
    await publish_texts(bus, "text-1")
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == ["text-1"]
    assert bus.dropped == 2
    assert "secret" not in caplog.text


async def test_a_fault_in_the_client_does_not_end_the_bus(
    bus: AwsEventBus, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(_: list[Entry]) -> dict[str, Entry]:
        raise RuntimeError("a bug")

    topic.sns.faults = [break_down]
    await publish_texts(bus, "text-1")
    assert await bus.flush(WAIT_SECONDS)
    await publish_texts(bus, "text-2")
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == ["text-2"]
    assert bus.dropped == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_closing_stops_at_once_and_says_what_was_lost(
    bus: AwsEventBus, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    topic.sns.go_on.clear()
    await publish_texts(bus, *numbered(3))
    await asyncio.to_thread(topic.sns.is_called.wait, WAIT_SECONDS)
    await bus.close()
    await bus.close()
    topic.sns.go_on.set()
    assert bus.dropped == 3
    assert len(caplog.records) == 1
