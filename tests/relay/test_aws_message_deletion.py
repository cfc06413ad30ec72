"""Received messages are deleted, also after failures of SQS."""

import asyncio
from typing import Any

import pytest

from tests.relay.aws_topic import FaultyClient, Topic, iteration, receiving, refused, until

TASK = "0123456789abcdef0123456789abcdef"


class FailingDeletes(FaultyClient):
    """A client whose next deletions fail, one entry each."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.failed: list[str] = []
        self._to_fail = 0

    def fail_entries(self, count: int) -> None:
        self._to_fail = count

    @property
    def attempts(self) -> list[str]:
        """The receipt handles that were to be deleted, once for each attempt."""
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
    attempts = sqs.attempts
    return sum(attempts.count(receipt_handle) == 10 for receipt_handle in set(attempts)) >= receipt_handles


async def test_a_failed_deletion_is_retried_before_the_next_receive(topic: Topic) -> None:
    async with receiving(topic.source(TASK)) as relay:
        topic.sqs.fail("delete_message_batch", *[refused("DeleteMessageBatch", "RequestThrottled")] * 2)
        events = [iteration(seq) for seq in range(1, 4)]
        for event in events:
            await topic.publish(event)
        assert await relay.until(3) == events


async def test_a_message_that_sqs_did_not_delete_is_deleted_next_time_and_blocks_nothing(topic: Topic) -> None:
    sqs = topic.sqs = FailingDeletes(topic.sqs.client)
    async with receiving(topic.source(TASK)) as relay:
        sqs.fail_entries(3)
        events = [iteration(seq) for seq in range(1, 4)]
        for event in events:
            await topic.publish(event)  # SQS delivers the next one of a session when the one before is deleted
        assert await relay.until(3) == events
        await until(lambda: _is_empty(topic))
    failed = sqs.failed
    assert len(failed) == 3
    assert all(sqs.attempts.count(receipt_handle) > failed.count(receipt_handle) for receipt_handle in failed)


@pytest.mark.long  # ten rounds of the pause between tries
async def test_a_deletion_that_always_fails_is_tried_ten_times(topic: Topic) -> None:
    sqs = topic.sqs = FailingDeletes(topic.sqs.client)
    async with receiving(topic.source(TASK)) as relay:
        sqs.fail_entries(1_000)
        for number in range(25):
            await topic.publish(iteration(1, session_id=f"s-{number}"))
        await relay.until(25)
        await until(lambda: _has_given_up(sqs, 25))
        sqs.fail_entries(0)
    assert max(sqs.attempts.count(receipt_handle) for receipt_handle in sqs.failed) == 10
    assert all(len(one["Entries"]) <= 10 for one in sqs.parameters_of("delete_message_batch"))
