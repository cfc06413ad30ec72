"""The open messages of a session: the first of them is due, and what ends it makes the next one due.

Only first ones are in the index `due`: a session of many messages is found by one, and once.
"""

from datetime import datetime
from typing import Any

from backend.app.adapters.aws.items.sessions import ACTIVE, ADD_USAGE, usage_values
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.turns.rescue import start_due_at
from shared.aws_item import Item, Write, update
from shared.events import TokenUsage
from shared.table_keys import DUE_QUEUED, message_key, session_key

# Sets the time by which a worker must have begun the message; `due_attributes` has the values.
DUE = "#due_kind = :due_kind, #due_at = :due_at"


def due_attributes(due_at: datetime) -> dict[str, str]:
    """What makes a message that no worker has due by a time."""
    return {"due_kind": DUE_QUEUED, "due_at": to_iso(due_at)}


def queueing_write(session: Item, number: int, session_id: str) -> Write:
    """Adds a message to the open ones of its session, which must have the same first one as when it was read."""
    numbers: set[int] = session.get("open_numbers", set())
    condition, first = _same_first(numbers)
    return update(
        session_key(session_id),
        "SET #message_count = :number ADD #open_numbers :open",
        f"{ACTIVE} AND #message_count = :before AND {condition}",
        number=number,
        before=number - 1,
        open={number},
        **first,
    )


def ending_writes(
    session: Item, session_id: str, number: int, now: datetime, usage: TokenUsage, *, change: str = "", **values: Any
) -> dict[str, Write]:
    """What ends beside a message: it is none of its session's open ones any more, and the next one may become due.

    Args:
        session: as it was read; where its first open messages changed meanwhile the writes are refused.
        session_id: the session's.
        number: the message's.
        now: when it ends.
        usage: is added to the session's.
        change: a further change of the session, with its values.
        values: of `change`.
    """
    others = sorted(session.get("open_numbers", set()) - {number})
    ended = {"ended": {number}, **usage_values(usage), **values}
    change = f"{change} {ADD_USAGE} DELETE #open_numbers :ended".strip()
    key = session_key(session_id)
    if not others:
        seen = session["message_count"]
        return {"session": update(key, change, f"{ACTIVE} AND #message_count = :seen", seen=seen, **ended)}
    if others[0] < number:
        condition, first = _same_first(set(others))
        return {"session": update(key, change, f"{ACTIVE} AND {condition}", **first, **ended)}
    following = update(
        message_key(session_id, others[0]),
        f"SET {DUE}",
        "#status = :queued OR #status = :running",
        queued=MessageStatus.QUEUED,
        running=MessageStatus.RUNNING,
        **due_attributes(start_due_at(now)),
    )
    return {"session": update(key, change, ACTIVE, **ended), "following": following}


def _same_first(open_numbers: set[int]) -> tuple[str, dict[str, int]]:
    if not open_numbers:
        return "attribute_not_exists(#open_numbers)", {}
    return "contains(#open_numbers, :first)", {"first": min(open_numbers)}
