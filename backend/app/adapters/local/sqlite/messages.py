"""Reads and ends messages within a transaction on the local engine's SQLite file."""

import sqlite3
from datetime import datetime

from backend.app.adapters.local.sqlite.rows import ADD_USAGE, message_of
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import Message, MessageError, MessageStatus
from backend.app.domain.turns.rescue import start_due_at

ACTIVE_MESSAGE = """
    SELECT m.* FROM messages m JOIN sessions s ON s.session_id = m.session_id AND s.deleted_at IS NULL
"""


def find_active_message(connection: sqlite3.Connection, message_id: str) -> Message | None:
    """The message, unless its session is deleted."""
    row = connection.execute(f"{ACTIVE_MESSAGE} WHERE m.message_id = ?", (message_id,)).fetchone()
    return None if row is None else message_of(row)


def end_message(
    connection: sqlite3.Connection,
    message: Message,
    status: MessageStatus,
    error: MessageError | None,
    now: datetime,
    *,
    attempt: int,
) -> None:
    """End an open message, add its usage to its session's, and make the session's next open message due."""
    connection.execute(
        "UPDATE messages SET status = ?, attempt = ?, error_code = ?, error_detail = ?, completed_at = ?, "
        "lease_until = NULL, due_at = NULL, rescues = 0 WHERE message_id = ?",
        (status, attempt, error and error.code, error and error.detail, to_iso(now), message.message_id),
    )
    connection.execute(
        f"UPDATE sessions SET {ADD_USAGE} WHERE session_id = :session_id",
        {**message.token_usage.model_dump(), "session_id": message.session_id},
    )
    make_first_due(connection, message.session_id, now)


def make_first_due(connection: sqlite3.Connection, session_id: str, now: datetime) -> None:
    """Make the session's first open message due, unless it is already."""
    connection.execute(
        "UPDATE messages SET due_at = ? WHERE due_at IS NULL AND message_id = (SELECT message_id FROM messages "
        "WHERE session_id = ? AND status IN ('queued', 'running') ORDER BY number LIMIT 1)",
        (to_iso(start_due_at(now)), session_id),
    )
