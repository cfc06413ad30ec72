"""Converts between sessions and items of the table."""

from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.sessions.session import Session
from shared.aws_item import Item
from shared.table_keys import session_key
from shared.token_usage import TokenUsage

# The condition that a session or message exists and is not deleted.
ACTIVE = "attribute_exists(pk) AND attribute_not_exists(#deleted_at)"


def session_item(session: Session) -> Item:
    """The item of a new session."""
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
    """The session of an item; `last_seq` is stored in the session's sequence counter."""
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
    """The token usage of an item; 0 for counters that an older item lacks."""
    return TokenUsage(**{name: item.get(name, 0) for name in TokenUsage.model_fields})
