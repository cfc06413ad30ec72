"""The turn queue on SQS FIFO: one message at a time per session. Lambda's event source mapping receives them."""

import json
import math
from typing import Annotated

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from backend.app.domain.ports import IdGenerator, TurnNotification
from shared.aws_service import AwsService

_MAX_VISIBILITY_SECONDS = 43_200

# The error codes for a receipt handle of no message in flight, in the query and the JSON protocol.
_STALE_CODES = {
    "AWS.SimpleQueueService.MessageNotInflight",
    "MessageNotInflight",
    "ReceiptHandleIsInvalid",
}


class MalformedNotificationError(ValueError):
    """The body of a message on the turn queue is not a notification. The text says why, without quoting the body."""


class NotificationBody(BaseModel):
    """The body of a notification's message. Unknown fields, from later versions, are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    session_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    message_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class AwsTurnQueue:
    """The TurnQueue on SQS FIFO, grouped by session; each rescue is a group of its own.

    SQS delivers no further message of a group while one of its messages is in flight, and a message whose function
    failed to start stays in flight for the visibility timeout.
    """

    def __init__(self, sqs: AwsService, queue_url: str, ids: IdGenerator) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._ids = ids

    async def enqueue(self, notification: TurnNotification) -> None:
        """See TurnQueue. Raises botocore's ClientError and BotoCoreError."""
        await self._sqs.call(
            "send_message",
            QueueUrl=self._queue_url,
            MessageBody=json.dumps({"session_id": notification.session_id, "message_id": notification.message_id}),
            MessageGroupId=self._ids.new_id() if notification.is_rescue else notification.session_id,
            # A new id each time: only the store de-duplicates. SQS would drop a message that is enqueued again.
            MessageDeduplicationId=self._ids.new_id(),
        )

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        """See TurnQueue. Rounds up to full seconds. Raises botocore's ClientError and BotoCoreError."""
        try:
            await self._sqs.call(
                "change_message_visibility",
                QueueUrl=self._queue_url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=min(math.ceil(max(seconds, 0)), _MAX_VISIBILITY_SECONDS),
            )
        except ClientError as error:
            if not _has_stale_handle(error):
                raise


def parse_notification(body: str, group_id: str | None = None) -> TurnNotification:
    """Parse the body of a message of a group, by default the session's. Raises MalformedNotificationError."""
    try:
        parsed = NotificationBody.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['type']}" for one in error.errors())
        raise MalformedNotificationError(f"No notification: {problems}") from None
    return TurnNotification(parsed.session_id, parsed.message_id, is_rescue=group_id not in (None, parsed.session_id))


def _has_stale_handle(error: ClientError) -> bool:
    found = error.response.get("Error", {})
    code, message = found.get("Code", ""), found.get("Message", "")
    # SQS does not return its documented codes here, but "Value AQEB... for parameter ReceiptHandle is invalid.
    # Reason: ...". The same code for another parameter is a bug of ours.
    return code in _STALE_CODES or (code == "InvalidParameterValue" and "ReceiptHandle" in message)
