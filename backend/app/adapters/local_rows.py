"""How the local engine's rows become things of the domain."""

import base64
import json
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID

from backend.app.domain.errors import InvalidCursorError
from backend.app.domain.message import Message, MessageError, MessageStatus
from backend.app.domain.session import Session
from backend.app.domain.workflow import Node
from shared.events import TokenUsage

_BAD_CURSOR = "The cursor is not one of this list: use the `next_cursor` of the page before."
_CURSOR_DIGITS = 18


def text_of(moment: datetime) -> str:
    """A moment as text of one form, so that texts compare as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The moment that a text stands for."""
    return datetime.fromisoformat(text)


def cursor_of(position: int | str) -> str:
    """A position in a list as an opaque cursor."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def id_of(cursor: str) -> str:
    """The id that a cursor stands for. Raises InvalidCursorError for one that was made up."""
    try:
        return str(UUID(_position_of(cursor)))
    except ValueError as error:
        raise InvalidCursorError(_BAD_CURSOR) from error


def number_of(cursor: str) -> int:
    """The number that a cursor stands for. Raises InvalidCursorError for one that was made up."""
    text = _position_of(cursor)
    if not (text.isascii() and text.isdigit()) or len(text) > _CURSOR_DIGITS:
        raise InvalidCursorError(_BAD_CURSOR)
    return int(text)


def _position_of(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise InvalidCursorError(_BAD_CURSOR) from error


def nodes_to_text(nodes: tuple[Node, ...]) -> str:
    """Nodes as JSON."""
    return json.dumps([asdict(node) for node in nodes])


def nodes_of(text: str) -> tuple[Node, ...]:
    """Nodes from JSON."""
    return tuple(Node(node["name"], tuple(node["handoffs"]), tuple(node["tools"])) for node in json.loads(text))


def usage_of(row: sqlite3.Row) -> TokenUsage:
    """The usage in a row that has the three columns."""
    return TokenUsage(
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        total_tokens=row["total_tokens"],
    )


def session_of(row: sqlite3.Row) -> Session:
    """A session from its row."""
    return Session(
        session_id=row["session_id"],
        project_id=row["project_id"],
        node_id=row["node_id"],
        created_at=moment_of(row["created_at"]),
        message_count=row["message_count"],
        completed_number=row["completed_number"],
        last_seq=row["last_seq"],
        token_usage=usage_of(row),
    )


def message_of(row: sqlite3.Row) -> Message:
    """A message from its row."""
    return Message(
        message_id=row["message_id"],
        session_id=row["session_id"],
        project_id=row["project_id"],
        prompt=row["prompt"],
        created_at=moment_of(row["created_at"]),
        number=row["number"],
        status=MessageStatus(row["status"]),
        content=row["content"],
        patch=row["patch"],
        base_version=row["base_version"],
        version=row["version"],
        token_usage=usage_of(row),
        model=row["model"],
        iterations=row["iterations"],
        attempt=row["attempt"],
        error=None if row["error_code"] is None else MessageError(row["error_code"], row["error_detail"]),
        completed_at=None if row["completed_at"] is None else moment_of(row["completed_at"]),
        lease_until=None if row["lease_until"] is None else moment_of(row["lease_until"]),
        cancel_requested=bool(row["cancel_requested"]),
    )
