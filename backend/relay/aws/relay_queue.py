"""A relay's own queue on the topic, created at the start and removed at the end."""

import asyncio
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from backend.relay.aws.bus_parsing import RelayProbe
from shared.aws_service import AwsService

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 10
# A batch is delivered within milliseconds; if a response of SQS is lost, its sessions are blocked for so long.
_VISIBILITY_SECONDS = 15
# After a longer interruption the relay reads the log.
_RETENTION_SECONDS = 300
_MISSING_CODES = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A received message; `receipt_handle` deletes it."""

    body: str
    receipt_handle: str


class AwsRelayQueue:
    """An SQS FIFO queue, subscribed to the SNS FIFO topic. All calls raise botocore's ClientError and BotoCoreError."""

    def __init__(self, sqs: AwsService, sns: AwsService, topic_arn: str, name: str) -> None:
        self.name = name
        self._sqs = sqs
        self._sns = sns
        self._topic_arn = topic_arn
        self._url: str | None = None
        self._subscription_arn: str | None = None
        self._opening: asyncio.Task[None] | None = None
        self._receive_attempt_id: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the queue was created and subscribed, and is not known to be missing."""
        return self._subscription_arn is not None

    async def open(self) -> None:
        """Create the queue and subscribe it. Safe to repeat: what exists is used."""
        # A call in a thread continues when its caller is cancelled: remove() must know its result.
        self._opening = asyncio.create_task(self._create_and_subscribe())
        await asyncio.shield(self._opening)

    async def receive(self, wait_seconds: int) -> list[QueueMessage]:
        """Wait for at most 10 messages. They are invisible until they are deleted, or the visibility timeout ends.

        If a response of SQS is lost, botocore's next attempt and the next call here receive the same messages again.
        """
        attempt_id = self._receive_attempt_id or str(uuid.uuid4())
        self._receive_attempt_id = None
        try:
            answer = await self._sqs.call(
                "receive_message",
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH_MESSAGES,
                WaitTimeSeconds=wait_seconds,
                ReceiveRequestAttemptId=attempt_id,
            )
        except BotoCoreError:
            self._receive_attempt_id = attempt_id  # no response; after any other error SQS may refuse the old id
            raise
        return [QueueMessage(one["Body"], one["ReceiptHandle"]) for one in answer.get("Messages", [])]

    async def delete(self, receipt_handles: Sequence[str]) -> list[str]:
        """Delete at most 10 messages. Returns the receipt handles of those that SQS did not delete.

        While such a message is invisible, SQS does not deliver later ones of its session; then it is delivered again,
        and the room drops it as a duplicate.
        """
        entries = [
            {"Id": str(number), "ReceiptHandle": receipt_handle}
            for number, receipt_handle in enumerate(receipt_handles)
        ]
        answer = await self._sqs.call("delete_message_batch", QueueUrl=self._url, Entries=entries)
        failed = answer.get("Failed", [])
        if failed:
            codes = ", ".join(sorted({str(one.get("Code")) for one in failed}))
            logger.warning("%s messages of %s were not deleted: %s", len(failed), self.name, codes)
        return [receipt_handles[int(one["Id"])] for one in failed]

    async def publish_probe(self) -> None:
        """Publish a probe, which arrives at this queue once it is subscribed."""
        probe = RelayProbe(probe_id=str(uuid.uuid4()), queue=self.name)
        await self._sns.call(
            "publish",
            TopicArn=self._topic_arn,
            Message=probe.model_dump_json(),
            MessageGroupId=self.name,
            MessageDeduplicationId=probe.probe_id,
        )

    def mark_missing(self) -> None:
        """Record that the queue does not exist: it must be opened again."""
        self._url = self._subscription_arn = self._receive_attempt_id = None

    async def remove(self) -> None:
        """Unsubscribe and delete the queue. Never raises: the schedule removes orphaned queues. Safe to repeat."""
        if self._opening is not None:
            await asyncio.wait({self._opening})
            if not self._opening.cancelled():
                self._opening.exception()  # raised to the caller of open(), or its caller was cancelled
        subscription_arn, url = self._subscription_arn, self._url
        self.mark_missing()
        try:
            if subscription_arn is not None:
                await self._sns.call("unsubscribe", SubscriptionArn=subscription_arn)
            if url is not None:
                await self._sqs.call("delete_queue", QueueUrl=url)
        except (ClientError, BotoCoreError) as error:
            logger.warning("The queue %s was not removed; the schedule will remove it: %s", self.name, describe(error))

    async def _create_and_subscribe(self) -> None:
        created = await self._sqs.call("create_queue", QueueName=self.name, Attributes=self._attributes())
        self._url = created["QueueUrl"]
        subscribed = await self._sns.call(
            "subscribe",
            TopicArn=self._topic_arn,
            Protocol="sqs",
            Endpoint=self._arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )
        self._subscription_arn = subscribed["SubscriptionArn"]

    @property
    def _arn(self) -> str:
        # A queue and its topic are in one account and region, so the queue's ARN follows from the topic's.
        partition, _service, region, account = self._topic_arn.split(":")[1:5]
        return f"arn:{partition}:sqs:{region}:{account}:{self.name}"

    def _attributes(self) -> dict[str, str]:
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyTheTopicSends",
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": self._arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": self._topic_arn}},
                }
            ],
        }
        return {
            "FifoQueue": "true",
            # Sessions do not block each other: 300 messages a second are the limit of one, not of all.
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": str(_VISIBILITY_SECONDS),
            "MessageRetentionPeriod": str(_RETENTION_SECONDS),
            "SqsManagedSseEnabled": "true",
            "Policy": json.dumps(policy),
        }


def is_missing(error: ClientError | BotoCoreError) -> bool:
    """Whether the error says that the queue does not exist."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _MISSING_CODES


def describe(error: ClientError | BotoCoreError) -> str:
    """A short description of an error."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code')}"
    return type(error).__name__
