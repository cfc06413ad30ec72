"""A relay's own queue on the topic, made at start and removed at the end: the calls of AWS, and no decision."""

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
# A batch is passed on within milliseconds; if an answer of SQS is lost, its sessions stand still for so long.
_VISIBILITY_SECONDS = 15
# Whoever is away for longer reads the log.
_RETENTION_SECONDS = 300
_GONE_CODES = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message in hand; `receipt handle` names it towards the queue."""

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
        """Whether the queue was made and subscribed, and is not known to be gone."""
        return self._subscription_arn is not None

    async def open(self) -> None:
        """Make the queue and subscribe it. Safe to repeat: what is there already is used."""
        # A call in a thread goes on when its caller is cancelled: remove() must know what came of it.
        self._opening = asyncio.create_task(self._make_and_subscribe())
        await asyncio.shield(self._opening)

    async def receive(self, wait_seconds: int) -> list[QueueMessage]:
        """Wait for messages: at most 10, at most so long; they are hidden until deleted, at most for a while.

        Where an answer of SQS was lost, botocore's next try and the next call here get the same messages again.
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
            self._receive_attempt_id = attempt_id  # no answer came; after any other error SQS may refuse the old id
            raise
        return [QueueMessage(one["Body"], one["ReceiptHandle"]) for one in answer.get("Messages", [])]

    async def delete(self, receipt_handles: Sequence[str]) -> list[str]:
        """Remove messages for good, at most 10. Returns the receipt handles of those that SQS did not remove.

        While such a message is hidden, SQS holds back what follows it in its session; then it comes again, and the
        order of the rooms drops it.
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
        """Send a probe through the topic, to come in at this queue."""
        probe = RelayProbe(probe_id=str(uuid.uuid4()), queue=self.name)
        await self._sns.call(
            "publish",
            TopicArn=self._topic_arn,
            Message=probe.model_dump_json(),
            MessageGroupId=self.name,
            MessageDeduplicationId=probe.probe_id,
        )

    def forget(self) -> None:
        """Take note that the queue is gone: it must be opened again."""
        self._url = self._subscription_arn = self._receive_attempt_id = None

    async def remove(self) -> None:
        """Unsubscribe and delete the queue. Never raises: the schedule removes what is left. Safe to repeat."""
        if self._opening is not None:
            await asyncio.wait({self._opening})
            if not self._opening.cancelled():
                self._opening.exception()  # the caller has it, or does not wait any more
        subscription_arn, url = self._subscription_arn, self._url
        self.forget()
        try:
            if subscription_arn is not None:
                await self._sns.call("unsubscribe", SubscriptionArn=subscription_arn)
            if url is not None:
                await self._sqs.call("delete_queue", QueueUrl=url)
        except (ClientError, BotoCoreError) as error:
            logger.warning("The queue %s was not removed and is left to the schedule: %s", self.name, describe(error))

    async def _make_and_subscribe(self) -> None:
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
            # Sessions do not wait for each other: 300 messages a second are the bound of one, not of all.
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": str(_VISIBILITY_SECONDS),
            "MessageRetentionPeriod": str(_RETENTION_SECONDS),
            "SqsManagedSseEnabled": "true",
            "Policy": json.dumps(policy),
        }


def is_gone(error: ClientError | BotoCoreError) -> bool:
    """Whether the error says that there is no such queue."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _GONE_CODES


def describe(error: ClientError | BotoCoreError) -> str:
    """An error in a few words."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code')}"
    return type(error).__name__
