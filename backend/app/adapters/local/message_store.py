"""The MessageStore on the local engine's SQLite file."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from backend.app.adapters.cursors import cursor_of, number_of
from backend.app.adapters.local.event_log import append_event
from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.local.sqlite.messages import ACTIVE_MESSAGE, end_message, find_active_message, make_first_due
from backend.app.adapters.local.sqlite.rows import message_of, usage_of
from backend.app.adapters.stored_response import response_of
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.errors import MessageNotFoundError, SessionNotFoundError
from backend.app.domain.messages.message import Message, MessageError, MessageStatus, ModelResponse
from backend.app.domain.messages.message_admission import (
    require_queue_capacity,
    require_same_prompt,
    require_same_session,
)
from backend.app.domain.messages.ports import QueuedMessage
from backend.app.domain.page import Page
from shared.events import MessageCancelledEvent


class LocalMessageStore:
    """The MessageStore of the local engine."""

    def __init__(self, database: LocalDatabase) -> None:
        self._database = database

    async def queue_message(self, message: Message, queue_limit: int) -> QueuedMessage:
        """See MessageStore."""

        def work(connection: sqlite3.Connection) -> QueuedMessage:
            session = connection.execute(
                "SELECT message_count FROM sessions WHERE session_id = ? AND deleted_at IS NULL",
                (message.session_id,),
            ).fetchone()
            if session is None:
                raise SessionNotFoundError(message.session_id)
            cancelled_at = _cancelled_at(connection, message.session_id)
            known = connection.execute("SELECT * FROM messages WHERE message_id = ?", (message.message_id,)).fetchone()
            if known is not None:
                return QueuedMessage(_same_message(known, message), is_new=False, cancelled_at=cancelled_at)
            _check_queue(connection, message.session_id, queue_limit)
            number = session["message_count"] + 1
            connection.execute(
                "UPDATE sessions SET message_count = ? WHERE session_id = ?", (number, message.session_id)
            )
            connection.execute(
                "INSERT INTO messages (message_id, session_id, project_id, number, prompt, status, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    message.message_id,
                    message.session_id,
                    message.project_id,
                    number,
                    message.prompt,
                    MessageStatus.QUEUED,
                    to_iso(message.created_at),
                ),
            )
            make_first_due(connection, message.session_id, message.created_at)
            return QueuedMessage(_reread(connection, message.message_id), is_new=True, cancelled_at=cancelled_at)

        return await self._database.transaction(work)

    async def find_message(self, message_id: str) -> Message | None:
        """See MessageStore."""
        return await self._database.read(lambda connection: find_active_message(connection, message_id))

    async def list_messages(self, session_id: str, limit: int, cursor: str | None, *, ascending: bool) -> Page[Message]:
        """See MessageStore."""
        direction, comparison = ("ASC", ">") if ascending else ("DESC", "<")
        edge = (0 if ascending else 2**62) if cursor is None else number_of(cursor)

        def work(connection: sqlite3.Connection) -> Page[Message]:
            rows = connection.execute(
                f"{ACTIVE_MESSAGE} WHERE m.session_id = ? AND m.number {comparison} ? "
                f"ORDER BY m.number {direction} LIMIT ?",
                (session_id, edge, limit + 1),
            ).fetchall()
            messages = tuple(message_of(row) for row in rows[:limit])
            return Page(messages, tuple(cursor_of(one.number) for one in messages), len(rows) > limit)

        return await self._database.read(work)

    async def list_responses(self, message_id: str) -> Sequence[ModelResponse]:
        """See MessageStore."""

        def work(connection: sqlite3.Connection) -> list[ModelResponse]:
            rows = connection.execute(
                "SELECT * FROM responses WHERE message_id = ? ORDER BY attempt, call", (message_id,)
            ).fetchall()
            if find_active_message(connection, message_id) is None:
                return []
            return [response_of(row, message_id, usage_of(row), row["body"]) for row in rows]

        return await self._database.read(work)

    async def cancel_message(
        self, message_id: str, now: datetime, event: MessageCancelledEvent
    ) -> tuple[Message, MessageCancelledEvent | None]:
        """See MessageStore."""

        def work(connection: sqlite3.Connection) -> tuple[Message, MessageCancelledEvent | None]:
            message = find_active_message(connection, message_id)
            if message is None:
                raise MessageNotFoundError(message_id)
            if not message.status.is_open:
                return message, None
            if message.status is MessageStatus.RUNNING and message.lease_until and message.lease_until > now:
                connection.execute("UPDATE messages SET cancel_requested = 1 WHERE message_id = ?", (message_id,))
                return _reread(connection, message_id), None
            error = MessageError(event.code, event.detail or "")
            end_message(connection, message, MessageStatus.CANCELLED, error, now, attempt=message.attempt + 1)
            logged = append_event(
                connection,
                event.model_copy(update={"token_usage": message.token_usage, "attempt": message.attempt + 1}),
            )
            return _reread(connection, message_id), logged

        return await self._database.transaction(work)


def _same_message(known: sqlite3.Row, message: Message) -> Message:
    require_same_session(message, known["session_id"])
    require_same_prompt(message, known["prompt"])
    return message_of(known)


def _check_queue(connection: sqlite3.Connection, session_id: str, queue_limit: int) -> None:
    queued = connection.execute(
        "SELECT count(*) AS n FROM messages WHERE session_id = ? AND status = 'queued'", (session_id,)
    ).fetchone()["n"]
    require_queue_capacity(session_id, queued, queue_limit)


def _reread(connection: sqlite3.Connection, message_id: str) -> Message:
    return message_of(connection.execute("SELECT * FROM messages WHERE message_id = ?", (message_id,)).fetchone())


def _cancelled_at(connection: sqlite3.Connection, session_id: str) -> datetime | None:
    (at,) = connection.execute(
        "SELECT max(completed_at) FROM messages WHERE session_id = ? AND status = 'cancelled'", (session_id,)
    ).fetchone()
    return None if at is None else from_iso(at)
