"""AwsTurnQueue beyond the port: message format, stale receipt handles, malformed bodies."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from backend.app.adapters.aws.turn_queue import AwsTurnQueue, MalformedNotificationError, parse_notification
from backend.app.domain.ports import TurnNotification
from shared.aws_service import AwsService
from tests.manual_time import SequentialIds
from tests.moto_aws import aws_account

BELL = TurnNotification("session-1", "message-1")


@dataclass
class Queue:
    """The turn queue, and its receiving side by hand."""

    turns: AwsTurnQueue
    sqs: Any
    url: str

    def receive(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"])
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def answer_with(self, operation: str, code: str, message: str) -> None:
        """Have SQS refuse an operation."""
        refusal = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        self.sqs.meta.events.register(
            f"before-call.sqs.{operation}", lambda **_: (SimpleNamespace(status_code=400), refusal)
        )


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with aws_account(), ThreadPoolExecutor(1) as threads:
        name = f"turns-{uuid.uuid4()}.fifo"
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "VisibilityTimeout": "900"})
        turns = AwsTurnQueue(AwsService(lambda: sqs, threads), url["QueueUrl"], SequentialIds())
        yield Queue(turns, sqs, url["QueueUrl"])


async def test_a_notification_is_enqueued_in_the_group_of_its_session(queue: Queue) -> None:
    await queue.turns.enqueue(BELL)
    (message,) = queue.receive()
    assert message["Attributes"]["MessageGroupId"] == "session-1"
    assert json.loads(message["Body"]) == {"session_id": "session-1", "message_id": "message-1"}
    assert parse_notification(message["Body"]) == BELL


async def test_each_rescue_is_a_group_of_its_own_and_is_known_by_that(queue: Queue) -> None:
    rescue = replace(BELL, is_rescue=True)
    for _ in range(3):
        await queue.turns.enqueue(rescue)
    messages = queue.receive()
    groups = [message["Attributes"]["MessageGroupId"] for message in messages]
    assert len({*groups, "session-1"}) == 4
    assert [parse_notification(message["Body"], group) for message, group in zip(messages, groups, strict=True)] == [
        rescue
    ] * 3
    assert json.loads(messages[0]["Body"]) == {"session_id": "session-1", "message_id": "message-1"}
    assert parse_notification(messages[0]["Body"], "session-1") == BELL


async def test_the_same_notification_enqueued_twice_has_two_deduplication_ids(queue: Queue) -> None:
    # moto drops the ids of deleted messages, SQS keeps them for 5 minutes: so the ids themselves are compared.
    ids = set()
    for _ in range(3):
        await queue.turns.enqueue(BELL)
        (message,) = queue.receive()
        ids.add(message["Attributes"]["MessageDeduplicationId"])
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
    assert len(ids) == 3


@pytest.mark.parametrize("seconds", [-1, 0])
async def test_a_notification_that_is_extended_by_zero_is_visible_immediately(queue: Queue, seconds: float) -> None:
    await queue.turns.enqueue(BELL)
    (message,) = queue.receive()
    assert queue.receive() == []
    await queue.turns.extend(message["ReceiptHandle"], seconds)
    assert [one["Body"] for one in queue.receive()] == [message["Body"]]


@pytest.mark.parametrize(("seconds", "asked"), [(0.2, 1), (60, 60), (60.5, 61), (1e9, 43_200)])
async def test_an_extension_is_in_full_seconds_within_the_limits_of_sqs(
    queue: Queue, seconds: float, asked: int
) -> None:
    sent: list[dict[str, Any]] = []
    queue.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibility", lambda params, **_: sent.append(params)
    )
    queue.answer_with("ChangeMessageVisibility", "ReceiptHandleIsInvalid", "")
    await queue.turns.extend("receipt-handle", seconds)
    assert [one["VisibilityTimeout"] for one in sent] == [asked]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        # What SQS was seen to answer.
        (
            "InvalidParameterValue",
            "Value AQEB for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available.",
        ),
        (
            "InvalidParameterValue",
            "Value AQEB for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
        ),
        # What it is documented to answer.
        ("AWS.SimpleQueueService.MessageNotInflight", "The specified message isn't in flight."),
        ("MessageNotInflight", "The specified message isn't in flight."),
        ("ReceiptHandleIsInvalid", "The specified receipt handle isn't valid."),
    ],
)
async def test_every_sqs_error_for_a_stale_handle_is_ignored(queue: Queue, code: str, message: str) -> None:
    queue.answer_with("ChangeMessageVisibility", code, message)
    await queue.turns.extend("receipt-handle", 60)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidParameterValue", "Value 99999 for parameter VisibilityTimeout is invalid."),
        ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
        ("AccessDenied", "Access to the resource is denied."),
    ],
)
async def test_other_errors_of_an_extension_are_raised(queue: Queue, code: str, message: str) -> None:
    queue.answer_with("ChangeMessageVisibility", code, message)
    with pytest.raises(ClientError, match=code):
        await queue.turns.extend("receipt-handle", 60)


@pytest.mark.xfail(strict=True, reason="moto deletes by a stale receipt handle, SQS refuses")
async def test_sqs_does_not_delete_by_an_expired_handle(queue: Queue) -> None:
    await queue.turns.enqueue(BELL)
    (stale,) = queue.receive()
    await queue.turns.extend(stale["ReceiptHandle"], 0)
    (newer,) = queue.receive()
    with pytest.raises(ClientError):
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=stale["ReceiptHandle"])
    await queue.turns.extend(newer["ReceiptHandle"], 0)
    assert [one["Body"] for one in queue.receive()] == [newer["Body"]]


async def test_a_notification_that_cannot_be_enqueued_raises(queue: Queue) -> None:
    queue.answer_with("SendMessage", "RequestThrottled", "Rate exceeded")
    with pytest.raises(ClientError, match="RequestThrottled"):
        await queue.turns.enqueue(BELL)


def test_a_notification_of_a_later_version_is_understood() -> None:
    body = json.dumps({"session_id": "session-1", "message_id": "message-1", "priority": 3})
    assert parse_notification(body) == BELL


@pytest.mark.parametrize(
    "body",
    [
        "",
        "secret",
        "null",
        "[]",
        "3",
        '"secret"',
        "{}",
        '{"session_id": "secret"}',
        '{"session_id": "secret", "message_id": ""}',
        '{"session_id": "secret", "message_id": null}',
        '{"session_id": 7, "message_id": "secret"}',
        '{"session_id": {"secret": 1}, "message_id": "m"}',
        '{"session_id": "secret", "message_id": "' + "secret" * 20 + '"}',
        '{"session_id": "secret\\ud800", "message_id": "m"}',
        '{"session_id": "secret", "message_id": "m"',
        "[" * 100_000,
        "\x00",
        "é" * 10,
    ],
)
def test_what_is_no_notification_is_refused_with_a_reason_that_repeats_nothing_of_it(body: str) -> None:
    with pytest.raises(MalformedNotificationError, match="No notification: ") as refused:
        parse_notification(body)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 300
