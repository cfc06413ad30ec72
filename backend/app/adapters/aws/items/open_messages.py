"""The open messages of a session. Only the first of them is in the index `due`, so that a session is listed once.

The transaction that ends the first open message makes the next one due.
"""

from datetime import datetime

from backend.app.adapters.aws.items.sessions import ACTIVE
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.turns.rescue import start_due_at
from shared.aws_item import Change, Item, Write, update
from shared.table_keys import DUE_QUEUED, message_key, session_key
from shared.token_usage import TokenUsage


def due_attributes(due_at: datetime) -> dict[str, str]:
    """The attributes by which the index lists a message that a worker must claim by `due_at`."""
    return {"due_kind": DUE_QUEUED, "due_at": to_iso(due_at)}


def admission_write(session: Item, number: int, session_id: str) -> Write:
    """Adds a message to the open ones of its session, on condition that the first of them has not changed."""
    numbers: set[int] = session.get("open_numbers", set())
    condition, first = _same_first(numbers)
    return update(
        session_key(session_id),
        Change(sets={"message_count": number}, adds={"open_numbers": {number}}),
        f"{ACTIVE} AND #message_count = :before AND {condition}",
        before=number - 1,
        **first,
    )


def ending_writes(
    session: Item, session_id: str, number: int, now: datetime, usage: TokenUsage, *, sets: Item | None = None
) -> dict[str, Write]:
    """The writes that close a message in its session, and make the session's next open message due.

    Args:
        session: as it was read; the writes fail if its first open messages have changed since.
        session_id: the session's.
        number: the message's.
        now: when it ends.
        usage: is added to the session's.
        sets: further attributes of the session.
    """
    others = sorted(session.get("open_numbers", set()) - {number})
    change = Change(sets or {}, adds=usage.model_dump(), deletes={"open_numbers": {number}})
    key = session_key(session_id)
    if not others:
        seen = session["message_count"]
        return {"session": update(key, change, f"{ACTIVE} AND #message_count = :seen", seen=seen)}
    if others[0] < number:
        condition, first = _same_first(set(others))
        return {"session": update(key, change, f"{ACTIVE} AND {condition}", **first)}
    following = update(
        message_key(session_id, others[0]),
        Change(due_attributes(start_due_at(now))),
        "#status = :queued OR #status = :running",
        queued=MessageStatus.QUEUED,
        running=MessageStatus.RUNNING,
    )
    return {"session": update(key, change, ACTIVE), "following": following}


def _same_first(open_numbers: set[int]) -> tuple[str, dict[str, int]]:
    if not open_numbers:
        return "attribute_not_exists(#open_numbers)", {}
    return "contains(#open_numbers, :first)", {"first": min(open_numbers)}
