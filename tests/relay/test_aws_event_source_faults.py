"""A relay's own queue while AWS fails or the queue was deleted."""

import asyncio
import threading
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from shared.events import AgentIterationEvent
from tests.relay.aws_topic import (
    WAIT_SECONDS,
    FaultyClient,
    Receiver,
    Topic,
    contents,
    iteration,
    queue_name,
    receiving,
    refused,
    until,
)
from tests.relay.room_fixtures import Recorder, WatchedLog, Writer, room_cursor

TASK = "0123456789abcdef0123456789abcdef"


async def test_a_deleted_queue_is_created_again_and_receives_events(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(topic.source(TASK)) as relay:
        topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(TASK))

        async def is_received() -> bool:
            await topic.publish(iteration(1))
            return bool(relay.events)

        await until(is_received)
        assert len(topic.subscriptions()) == 1
    assert caplog.text.count("does not exist any more and is created again") == 1


async def test_a_queue_name_that_sqs_still_reserves_for_a_deleted_queue_is_retried(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    # SQS keeps the name of a deleted queue for 60 s, moto does not.
    topic.sqs.fail("create_queue", *[refused("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently")] * 3)
    async with receiving(topic.source(TASK)) as relay:
        await topic.publish(iteration(1, content="one"))
        assert contents(await relay.until(1)) == ["one"]
    assert caplog.text.count("cannot be received") == 1
    assert caplog.text.count("are received again after 3 failures") == 1


async def test_aws_errors_are_retried_and_logged_once(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    async with receiving(topic.source(TASK)) as relay:
        await topic.publish(iteration(1, content="one"))
        await relay.until(1)
        topic.sqs.fail(
            "receive_message",
            refused("ReceiveMessage", "RequestThrottled"),
            ConnectTimeoutError(endpoint_url="https://sqs.us-east-1.amazonaws.com"),
            refused("ReceiveMessage", "InternalError"),
        )
        await topic.publish(iteration(2, content="two"))
        assert contents(await relay.until(2)) == ["one", "two"]
        await topic.publish(iteration(3, content="three"))
        assert contents(await relay.until(3)) == ["one", "two", "three"]
    assert caplog.text.count("cannot be received: ReceiveMessage: RequestThrottled") == 1
    assert caplog.text.count("cannot be received") == 1
    assert caplog.text.count("are received again after 3 failures") == 1


async def test_a_receive_whose_response_was_lost_is_retried_with_its_attempt_id_and_no_other_one_is(
    topic: Topic,
) -> None:
    async with receiving(topic.source(TASK)) as relay:
        before = len(topic.sqs.parameters_of("receive_message"))
        topic.sqs.fail(
            "receive_message",
            ReadTimeoutError(endpoint_url="https://sqs.us-east-1.amazonaws.com"),
            refused("ReceiveMessage", "InvalidParameterValue"),  # the batch was changed
        )
        await topic.publish(iteration(1))
        await relay.until(1)
    ids = [one["ReceiveRequestAttemptId"] for one in topic.sqs.parameters_of("receive_message")]
    assert len(set(ids)) == len(ids) - 1
    (repeated,) = {one for one in ids if ids.count(one) == 2}
    first = ids.index(repeated)
    assert first >= before - 1
    assert ids[first + 1] == repeated


async def test_a_new_queue_that_sqs_does_not_know_yet_is_retried_with_pauses(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    missing = refused("ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue")
    topic.sqs.fail("receive_message", *[missing] * 4)
    async with receiving(topic.source(TASK)) as relay:
        await topic.publish(iteration(1, content="one"))
        assert contents(await relay.until(1)) == ["one"]
        assert len(topic.subscriptions()) == 1
    assert topic.sqs.calls.count("create_queue") == 5
    assert caplog.text.count("are received again after 4 failures") == 1  # each failure is followed by a pause


async def test_a_relay_whose_first_calls_fail_starts_once_they_succeed(topic: Topic) -> None:
    topic.sqs.fail("create_queue", refused("CreateQueue", "AccessDenied"))
    topic.sns.fail("subscribe", refused("Subscribe", "NotFound"))
    topic.sns.fail("publish", refused("Publish", "Throttling"))
    event = iteration(1)
    async with receiving(topic.source(TASK)) as relay:
        await topic.publish(event)
        assert await relay.until(1) == [event]


async def test_closing_while_aws_fails_leaves_the_queue_to_the_schedule(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(topic.source(TASK)):
        topic.sns.fail("unsubscribe", refused("Unsubscribe", "InternalError"))
    assert f"The queue {queue_name(TASK)} was not removed; the schedule will remove it" in caplog.text
    assert topic.queue_url(TASK) is not None
    topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(TASK))


async def test_a_gap_that_a_deleted_queue_left_is_backfilled_from_the_log(
    topic: Topic, engine: LocalEngine, project: Project, writer: Writer, log: WatchedLog, member: Recorder
) -> None:
    room = room_cursor(project.project_id, log, member.record)
    assert await room.reconcile() == 0
    may_create = threading.Event()
    may_create.set()

    class Held(FaultyClient):
        def create_queue(self, **parameters: Any) -> Any:
            assert may_create.wait(WAIT_SECONDS)
            return self.client.create_queue(**parameters)

    topic.sqs = Held(topic.sqs.client)
    async with receiving(topic.source(TASK)) as relay:
        await topic.publish(await writer.log())
        await relay.until(1)
        may_create.clear()
        topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(TASK))
        for one in topic.subscriptions():  # otherwise SNS may still deliver when the queue exists again
            topic.sns.client.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
        lost = await writer.log()
        await topic.publish(lost)
        may_create.set()

        async def is_received() -> bool:
            await topic.publish(iteration(1, "another project"))
            return len(relay.events) > 1

        await until(is_received)
        await topic.publish(await writer.log())
        await until(lambda: _has_received(relay, 3))
        for event in relay.events:
            if event.project_id == project.project_id:
                assert isinstance(event, AgentIterationEvent)
                await room.handle(event)
    assert lost not in relay.events
    assert member.seqs(writer.session_id) == [1, 2, 3]


async def test_closing_while_the_queue_is_being_created_removes_it(topic: Topic) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(FaultyClient):
        def create_queue(self, **parameters: Any) -> Any:
            begun.set()
            assert go_on.wait(WAIT_SECONDS)
            return self.client.create_queue(**parameters)

    topic.sqs = Slow(topic.sqs.client)
    source = topic.source(TASK)
    receiving = asyncio.create_task(source.receive())
    await asyncio.to_thread(begun.wait, WAIT_SECONDS)
    receiving.cancel()
    await asyncio.wait({receiving})
    closing = asyncio.create_task(source.close())
    go_on.set()
    await closing
    assert topic.queue_url(TASK) is None
    assert topic.subscriptions() == []


async def _has_received(relay: Receiver, seq: int) -> bool:
    await asyncio.sleep(0)
    return any(isinstance(event, AgentIterationEvent) and event.seq == seq for event in relay.events)
