"""How the table's items become sessions, and back."""

from typing import Any

from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.sessions.session import Session
from shared.aws_item import Item
from shared.events import TokenUsage
from shared.table_keys import session_key

# Of a session or message that is written: it must be there, and not deleted.
ACTIVE = "attribute_exists(pk) AND attribute_not_exists(#deleted_at)"
# Adds the usage of a message to a session's; also of a response to a message's.
ADD_USAGE = "ADD " + ", ".join(f"#{name} :{name}" for name in TokenUsage.model_fields)


def session_item(session: Session) -> Item:
    """A new session."""
    return {
        **session_key(session.session_id),
        "project_id": session.project_id,
        "node_id": session.node_id,
        "created_at": to_iso(session.created_at),
        "message_count": 0,
        "completed_number": 0,
        **TokenUsage().model_dump(),
    }


def session_of(item: Item, last_seq: int) -> Session:
    """The session in an item; a live one's last event is counted in an item of its own."""
    return Session(
        session_id=item["pk"].partition("#")[2],
        project_id=item["project_id"],
        node_id=item.get("node_id"),
        created_at=from_iso(item["created_at"]),
        message_count=item["message_count"],
        completed_number=item["completed_number"],
        last_seq=last_seq,
        token_usage=usage_of(item),
    )


def usage_of(item: Item) -> TokenUsage:
    """The usage that an item counts."""
    return TokenUsage(**usage_values(item))


def usage_values(counted: Any) -> dict[str, int]:
    """The counts of a usage or of an item, by name; 0 for those that an older item does not have."""
    counts = counted.model_dump() if isinstance(counted, TokenUsage) else counted
    return {name: counts.get(name, 0) for name in TokenUsage.model_fields}
