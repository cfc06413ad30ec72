"""Claims a message for a worker: `queued -> running` with a lease, by a conditional write."""

from dataclasses import replace
from datetime import datetime

from backend.app.adapters.aws.items.messages import FREE, find_active_item, read_messages
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.turns.ports import ClaimResult
from shared.aws_item import Change, Write, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.table_keys import DUE_RUNNING, message_key


def lease_attributes(until: datetime) -> dict[str, str]:
    """The attributes of a lease, by which the index lists the message as due when it expires."""
    return {"lease_until": to_iso(until), "due_kind": DUE_RUNNING, "due_at": to_iso(until)}


async def claim_turn(
    table: AwsTable, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
) -> tuple[ClaimResult, Message | None]:
    """See TurnStore."""
    attempt = 0
    while True:
        item = await find_active_item(table, message_id)
        if item is None:
            return ClaimResult.NOT_OPEN, None
        (message,) = await read_messages(table, [item])
        if not message.status.is_open:
            return ClaimResult.NOT_OPEN, message
        if message.lease_until is not None and message.lease_until > now:
            return ClaimResult.HELD, message
        if message.attempt >= max_attempts:
            return ClaimResult.ATTEMPTS_SPENT, message
        claimed = replace(
            message,
            status=MessageStatus.RUNNING,
            attempt=message.attempt + 1,
            lease_until=lease_until,
            due_at=lease_until,
            rescues=0,
        )
        try:
            await table.write(message=_claim_write(message, now, lease_until))
        except ConditionFailedError:
            # Another worker claimed it, or it was cancelled.
            await pause(attempt)
            attempt += 1
        else:
            return ClaimResult.CLAIMED, claimed


def _claim_write(message: Message, now: datetime, lease_until: datetime) -> Write:
    claim = {"status": MessageStatus.RUNNING, "attempt": message.attempt + 1}
    return update(
        message_key(message.session_id, message.number),
        Change({**lease_attributes(lease_until), **claim}, removes=("rescues", "items_name", "items_parts")),
        FREE,
        before=message.attempt,
        open=message.status,
        now=to_iso(now),
    )
