"""How the local engine's rows become things of the domain."""

import json
import sqlite3
from dataclasses import asdict

from backend.app.adapters.moments import moment_of
from backend.app.domain.message import Message, MessageError, MessageStatus
from backend.app.domain.session import Session
from backend.app.domain.workflow import Node
from shared.events import TokenUsage


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
