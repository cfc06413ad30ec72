"""AwsEventBus while SNS fails: order is kept within a session, and nothing is tried for ever."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from backend.app.adapters.aws.event_bus import AwsEventBus
from tests.contract.sns_drivers import (
    WAIT_SECONDS,
    Entry,
    Fault,
    Topic,
    delta,
    failing,
    numbered,
    publish_texts,
    subscribed_topic,
    throttled,
    unreachable,
)


@pytest.fixture
def topic() -> Iterator[Topic]:
    with subscribed_topic() as topic:
        yield topic


@pytest.fixture
def bus(topic: Topic) -> AwsEventBus:
    return AwsEventBus(topic.service, topic.arn, pause_seconds=0.001)


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
    assert caplog.messages == ["Dropped 10 events on their way to the relays: SNS refused them 3 times: Throttling"]


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


async def test_an_event_that_cannot_be_sent_does_not_affect_others(
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
