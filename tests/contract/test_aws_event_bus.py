"""What AwsEventBus owes beyond the port: the bounds of SNS and of its buffer, and Lambda's frozen loop."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backend.app.adapters.aws.event_bus import AwsEventBus
from shared.bus_messages import AccessChangedEvent, bus_message_adapter
from shared.events import CodeChangedEvent
from tests.contract.sns_drivers import WAIT_SECONDS, Topic, delta, numbered, publish_texts, subscribed_topic


@pytest.fixture
def topic() -> Iterator[Topic]:
    with subscribed_topic() as topic:
        yield topic


@pytest.fixture
def bus(topic: Topic) -> AwsEventBus:
    return AwsEventBus(topic.service, topic.arn, pause_seconds=0.001)


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


async def test_publishing_does_not_wait(bus: AwsEventBus, topic: Topic) -> None:
    topic.sns.go_on.clear()
    await publish_texts(bus, *numbered(30))
    assert topic.sns.calls == []
    topic.sns.go_on.set()
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(30)


async def test_a_full_buffer_drops_the_newest_with_one_line_and_counts_them(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    bus = AwsEventBus(topic.service, topic.arn, max_events=5)
    await publish_texts(bus, *numbered(9))
    assert await bus.flush(WAIT_SECONDS)
    assert topic.texts() == numbered(5)
    assert bus.dropped == 4
    assert (bus.take_dropped(), bus.take_dropped()) == (4, 0)
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
