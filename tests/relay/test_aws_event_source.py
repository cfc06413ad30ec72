"""A relay's own queue on the topic: its creation, received events, and their deletion."""

import asyncio

import pytest

from backend.relay.metrics import RelayMetrics
from tests.relay.aws_topic import (
    WAIT_SECONDS,
    Receiver,
    Topic,
    iteration,
    new_task_id,
    policy_of,
    receiving,
    until,
)

TASK = "0123456789abcdef0123456789abcdef"


async def test_the_queue_is_named_after_its_task_and_accepts_messages_of_the_topic_only(topic: Topic) -> None:
    async with receiving(topic.source(TASK)):
        attributes = topic.attributes(TASK)
        assert attributes["QueueArn"].endswith(f":vibewire-relay-{TASK}.fifo")
        assert attributes["FifoQueue"] == "true"
        assert attributes["DeduplicationScope"] == "messageGroup"
        assert attributes["FifoThroughputLimit"] == "perMessageGroupId"
        (statement,) = policy_of(attributes)["Statement"]
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Resource"] == attributes["QueueArn"]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": topic.arn}}
        (subscription,) = topic.subscriptions()
        assert subscription["Endpoint"] == attributes["QueueArn"]
        details = topic.sns.client.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])
        assert details["Attributes"]["RawMessageDelivery"] == "true"


async def test_events_are_received_unchanged_and_in_order(topic: Topic) -> None:
    events = [iteration(seq, content=f"né ☂ {seq}") for seq in range(1, 31)]
    async with receiving(topic.source(TASK)) as relay:
        await topic.publish(*events)
        assert await relay.until(30) == events


async def test_every_relay_receives_every_event(topic: Topic) -> None:
    events = [iteration(seq) for seq in range(1, 13)]
    async with receiving(topic.source(new_task_id())) as one, receiving(topic.source(new_task_id())) as other:
        await topic.publish(*events)
        assert await one.until(12) == events
        assert await other.until(12) == events


async def test_a_batch_is_deleted_when_the_next_one_is_requested(topic: Topic) -> None:
    source, event = topic.source(TASK), iteration(1)

    async def is_in_hand(count: int) -> bool:
        attributes = await asyncio.to_thread(topic.attributes, TASK)
        return attributes["ApproximateNumberOfMessagesNotVisible"] == str(count)

    asked = asyncio.create_task(source.receive())
    await asyncio.wait_for(source.probe(), WAIT_SECONDS)
    await topic.publish(event)
    assert await asyncio.wait_for(asked, WAIT_SECONDS) == [event]
    assert await is_in_hand(1)
    asked = asyncio.create_task(source.receive())
    await until(lambda: is_in_hand(0))
    asked.cancel()
    await asyncio.wait({asked})
    await source.close()


async def test_an_invalid_message_is_deleted_and_logged_without_its_content(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = RelayMetrics()
    async with receiving(topic.source(TASK, metrics)) as relay:
        bodies = ("secret", '{"type": "secret"}', '{"type": "agent_iteration", "content": "secret"}', "[]")
        for body in bodies:
            topic.publish_raw(body)
        event = iteration(1)
        await topic.publish(event)
        assert await relay.until(1) == [event]

        async def all_are_deleted() -> bool:
            attributes = await asyncio.to_thread(topic.attributes, TASK)
            return metrics.malformed == len(bodies) and all(
                attributes[name] == "0"
                for name in ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
            )

        await until(all_are_deleted)
    assert caplog.text.count("is no event and is deleted") == len(bodies)
    assert "secret" not in caplog.text


async def test_another_relays_probe_is_ignored(topic: Topic) -> None:
    source = topic.source(new_task_id())
    relay = Receiver(source)
    task = asyncio.create_task(relay.run())
    async with receiving(topic.source(new_task_id())):
        event = iteration(1)

        async def is_received() -> bool:
            await topic.publish(event.model_copy(update={"event_id": new_task_id()}))
            return bool(relay.events)

        await until(is_received)
        assert not source.is_receiving.is_set()
    task.cancel()
    await asyncio.wait({task})
    await source.close()


async def test_closing_leaves_neither_queue_nor_subscription(topic: Topic) -> None:
    source = topic.source(TASK)
    async with receiving(source):
        assert topic.queue_url(TASK) is not None
    assert topic.queue_url(TASK) is None
    assert topic.subscriptions() == []
    await source.close()


async def test_closing_a_source_that_was_never_opened_does_nothing(topic: Topic) -> None:
    await topic.source(TASK).close()
    assert topic.sqs.calls == topic.sns.calls == []
