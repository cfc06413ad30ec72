"""Lists due turns by the index `due`, and records their rescues."""

from collections.abc import AsyncIterator
from datetime import datetime

from backend.app.adapters.aws.items.open_messages import due_attributes
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import Message
from shared.aws_item import Change, update
from shared.aws_table import AwsTable, ConditionFailedError
from shared.table_keys import DUE_QUEUED, DUE_RUNNING, message_key


async def list_due_sessions(table: AwsTable, now: datetime) -> AsyncIterator[str]:
    """See TurnStore."""
    for kind in (DUE_RUNNING, DUE_QUEUED):
        async for due in table.query_due(kind, high=to_iso(now)):
            yield due["pk"].partition("#")[2]


async def count_running(table: AwsTable, now: datetime, limit: int) -> int:
    """See TurnStore."""
    count = 0
    # The bounds are inclusive, and a lease that ends now has expired: start just above it.
    async for _ in table.query_due(DUE_RUNNING, low=f"{to_iso(now)}~"):
        count += 1
        if count == limit:
            break
    return count


async def note_rescue(table: AwsTable, message: Message, due_at: datetime) -> bool:
    """See TurnStore."""
    if message.due_at is None:
        return False
    noted = update(
        message_key(message.session_id, message.number),
        Change({**due_attributes(due_at), "rescues": message.rescues + 1}),
        "#attempt = :before AND #status = :open AND #due_at = :found",
        before=message.attempt,
        open=message.status,
        found=to_iso(message.due_at),
    )
    try:
        await table.write(message=noted)
    except ConditionFailedError:
        return False
    return True
