"""A relay's own queue while AWS fails, the queue is gone, or the relay stops at a bad moment."""

import asyncio
import threading
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import AgentIterationEvent
from tests.relay.aws_topic import (
    WAIT_SECONDS,
    FaultyClient,
    Listening,
    Topic,
    contents,
    iteration,
    listening,
    queue_name,
    refused,
    until,
)
from tests.relay.rooms import Audience, Heard, WatchedLog, Writer

TASK = "0123456789abcdef0123456789abcdef"


async def test_a_queue_that_vanished_is_made_anew_and_hears_again(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(topic.source(TASK)) as relay:
        topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(TASK))

        async def is_heard() -> bool:
            await topic.publish(iteration(1))
            return bool(relay.events)

        await until(is_heard)
        assert len(topic.subscriptions()) == 1
    assert caplog.text.count("is gone and is made anew") == 1


async def test_a_queue_whose_name_is_still_taken_by_its_deleted_predecessor_is_waited_for(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    # SQS keeps the name of a deleted queue for 60 s, moto does not.
    topic.sqs.fail("create_queue", *[refused("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently")] * 3)
    async with listening(topic.source(TASK)) as relay:
        await topic.publish(iteration(1, content="one"))
        assert contents(await relay.until(1)) == ["one"]
    assert caplog.text.count("cannot be received for now") == 1
    assert caplog.text.count("are received again after 3 failures") == 1


async def test_trouble_with_aws_is_waited_out_and_logged_once(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(topic.source(TASK)) as relay:
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
    assert caplog.text.count("cannot be received for now: ReceiveMessage: RequestThrottled") == 1
    assert caplog.text.count("cannot be received for now") == 1
    assert caplog.text.count("are received again after 3 failures") == 1


async def test_deleting_is_tried_again_before_anything_else_is_asked_for(topic: Topic) -> None:
    async with listening(topic.source(TASK)) as relay:
        topic.sqs.fail("delete_message_batch", *[refused("DeleteMessageBatch", "RequestThrottled")] * 2)
        events = [iteration(seq) for seq in range(1, 4)]
        for event in events:
            await topic.publish(event)
        assert await relay.until(3) == events


async def test_a_message_that_sqs_did_not_delete_is_deleted_the_next_time_and_holds_nothing_back(topic: Topic) -> None:
    sqs = topic.sqs = FailingDeletes(topic.sqs.client)
    async with listening(topic.source(TASK)) as relay:
        sqs.fail_entries(3)
        events = [iteration(seq) for seq in range(1, 4)]
        for event in events:
            await topic.publish(event)  # SQS gives out the next of a session when the one before is deleted
        assert await relay.until(3) == events
        await until(lambda: _is_empty(topic))
    failed = sqs.failed
    assert len(failed) == 3
    assert all(sqs.asked.count(receipt_handle) > failed.count(receipt_handle) for receipt_handle in failed)


async def test_what_sqs_never_deletes_is_given_up_after_ten_tries(topic: Topic) -> None:
    sqs = topic.sqs = FailingDeletes(topic.sqs.client)
    async with listening(topic.source(TASK)) as relay:
        sqs.fail_entries(1_000)
        for number in range(25):
            await topic.publish(iteration(1, session_id=f"s-{number}"))
        await relay.until(25)
        await until(lambda: _has_given_up(sqs, 25))
        sqs.fail_entries(0)
    assert max(sqs.asked.count(receipt_handle) for receipt_handle in sqs.failed) == 10
    assert all(len(one["Entries"]) <= 10 for one in sqs.parameters_of("delete_message_batch"))


async def test_a_receive_whose_answer_was_lost_is_tried_again_as_the_same_attempt_and_each_other_is_a_new_one(
    topic: Topic,
) -> None:
    async with listening(topic.source(TASK)) as relay:
        before = len(topic.sqs.parameters_of("receive_message"))
        topic.sqs.fail(
            "receive_message",
            ReadTimeoutError(endpoint_url="https://sqs.us-east-1.amazonaws.com"),
            refused("ReceiveMessage", "InvalidParameterValue"),  # "not valid anymore": the batch was touched meanwhile
        )
        await topic.publish(iteration(1))
        await relay.until(1)
    ids = [one["ReceiveRequestAttemptId"] for one in topic.sqs.parameters_of("receive_message")]
    assert len(set(ids)) == len(ids) - 1
    (repeated,) = {one for one in ids if ids.count(one) == 2}
    first = ids.index(repeated)
    assert first >= before - 1
    assert ids[first + 1] == repeated


async def test_a_queue_that_is_not_known_yet_after_it_was_made_is_waited_for_with_pauses(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    gone = refused("ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue")
    topic.sqs.fail("receive_message", *[gone] * 4)
    async with listening(topic.source(TASK)) as relay:
        await topic.publish(iteration(1, content="one"))
        assert contents(await relay.until(1)) == ["one"]
        assert len(topic.subscriptions()) == 1
    assert topic.sqs.calls.count("create_queue") == 5
    assert caplog.text.count("are received again after 4 failures") == 1  # each failure is followed by a pause


async def test_a_relay_whose_first_calls_fail_starts_when_they_no_longer_do(topic: Topic) -> None:
    topic.sqs.fail("create_queue", refused("CreateQueue", "AccessDenied"))
    topic.sns.fail("subscribe", refused("Subscribe", "NotFound"))
    topic.sns.fail("publish", refused("Publish", "Throttling"))
    event = iteration(1)
    async with listening(topic.source(TASK)) as relay:
        await topic.publish(event)
        assert await relay.until(1) == [event]


async def test_closing_without_aws_leaves_the_queue_to_the_schedule(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(topic.source(TASK)):
        topic.sns.fail("unsubscribe", refused("Unsubscribe", "InternalError"))
    assert f"The queue {queue_name(TASK)} was not removed and is left to the schedule" in caplog.text
    assert topic.queue_url(TASK) is not None
    topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(TASK))


async def test_a_gap_that_a_vanished_queue_left_is_filled_from_the_log(
    topic: Topic, engine: LocalEngine, project: Project, writer: Writer, log: WatchedLog, heard: Heard
) -> None:
    room = RoomCursor(project.project_id, log, Audience(heard).tell)
    assert await room.fill() == 0
    may_be_made = threading.Event()
    may_be_made.set()

    class Held(FaultyClient):
        def create_queue(self, **parameters: Any) -> Any:
            assert may_be_made.wait(WAIT_SECONDS)
            return self.client.create_queue(**parameters)

    topic.sqs = Held(topic.sqs.client)
    async with listening(topic.source(TASK)) as relay:
        await topic.publish(await writer.log())
        await relay.until(1)
        may_be_made.clear()
        topic.sqs.client.delete_queue(QueueUrl=topic.queue_url(TASK))
        for one in topic.subscriptions():  # else SNS may still be delivering when the queue is there again
            topic.sns.client.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
        lost = await writer.log()
        await topic.publish(lost)
        may_be_made.set()

        async def is_heard() -> bool:
            await topic.publish(iteration(1, "another project"))
            return len(relay.events) > 1

        await until(is_heard)
        await topic.publish(await writer.log())
        await until(lambda: _came(relay, 3))
        for event in relay.events:
            if event.project_id == project.project_id:
                assert isinstance(event, AgentIterationEvent)
                await room.hear(event)
    assert lost not in relay.events
    assert heard.seqs(writer.session_id) == [1, 2, 3]


async def test_closing_while_the_queue_is_being_made_removes_it_too(topic: Topic) -> None:
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


class FailingDeletes(FaultyClient):
    """A client whose next deletions fail, one entry each."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.failed: list[str] = []
        self._to_fail = 0

    def fail_entries(self, count: int) -> None:
        self._to_fail = count

    @property
    def asked(self) -> list[str]:
        """The receipt handles that were to be deleted, once for each time."""
        batches = self.parameters_of("delete_message_batch")
        return [entry["ReceiptHandle"] for batch in batches for entry in batch["Entries"]]

    def delete_message_batch(self, **parameters: Any) -> Any:
        self.requests.append(("delete_message_batch", parameters))
        entries = parameters["Entries"]
        kept, self._to_fail = entries[: self._to_fail], max(0, self._to_fail - len(entries))
        self.failed += [entry["ReceiptHandle"] for entry in kept]
        answer: dict[str, Any] = {"Successful": []}
        if passed := [entry for entry in entries if entry not in kept]:
            answer = self.client.delete_message_batch(QueueUrl=parameters["QueueUrl"], Entries=passed)
        return answer | {"Failed": [{"Id": one["Id"], "Code": "InternalError", "SenderFault": False} for one in kept]}


async def _is_empty(topic: Topic) -> bool:
    attributes = await asyncio.to_thread(topic.attributes, TASK)
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return all(attributes[name] == "0" for name in names)


async def _has_given_up(sqs: FailingDeletes, receipt_handles: int) -> bool:
    await asyncio.sleep(0.01)
    asked = sqs.asked
    return sum(asked.count(receipt_handle) == 10 for receipt_handle in set(asked)) >= receipt_handles


async def _came(relay: Listening, seq: int) -> bool:
    await asyncio.sleep(0)
    return any(isinstance(event, AgentIterationEvent) and event.seq == seq for event in relay.events)
