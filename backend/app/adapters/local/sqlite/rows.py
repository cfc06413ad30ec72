"""How the local engine's rows become things of the domain."""

import json
import sqlite3

from backend.app.adapters.stored_workflow import stored_workflow, workflow_of
from backend.app.adapters.timestamps import from_iso
from backend.app.domain.messages.message import Message, MessageError, MessageStatus
from backend.app.domain.projects.project import CodeVersion
from backend.app.domain.projects.workflow.workflow import Workflow
from backend.app.domain.sessions.session import Session
from shared.token_usage import TokenUsage


def workflow_to_text(version: CodeVersion) -> str:
    """The nodes of a code version as JSON."""
    return json.dumps(stored_workflow(version), ensure_ascii=False)


def workflow_in(text: str) -> Workflow:
    """The nodes of such a text, or of one in the earlier format, a list."""
    stored = json.loads(text)
    return workflow_of(stored if isinstance(stored, dict) else {"nodes": stored})


def usage_of(row: sqlite3.Row) -> TokenUsage:
    """The usage in a row that has its columns."""
    return TokenUsage(**{name: row[name] for name in TokenUsage.model_fields})


# Adds a usage to a row's, by named parameters: those of `usage.model_dump()`.
ADD_USAGE = ", ".join(f"{name} = {name} + :{name}" for name in TokenUsage.model_fields)


def session_of(row: sqlite3.Row) -> Session:
    """A session from its row."""
    return Session(
        session_id=row["session_id"],
        project_id=row["project_id"],
        node_id=row["node_id"],
        created_at=from_iso(row["created_at"]),
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
        created_at=from_iso(row["created_at"]),
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
        completed_at=None if row["completed_at"] is None else from_iso(row["completed_at"]),
        lease_until=None if row["lease_until"] is None else from_iso(row["lease_until"]),
        cancel_requested=bool(row["cancel_requested"]),
        due_at=None if row["due_at"] is None else from_iso(row["due_at"]),
        rescues=row["rescues"],
    )
