"""Completes a turn in one transaction: it writes code version, message, session and event together."""

import sqlite3

from backend.app.adapters.local.event_log import append_event
from backend.app.adapters.local.sqlite.code_versions import add_code_version
from backend.app.adapters.local.sqlite.messages import end_message, find_active_message
from backend.app.adapters.local.sqlite.turn_fence import own_message
from backend.app.domain.errors import StaleBaseError, TurnCancelRequestedError, TurnFencedError
from backend.app.domain.messages.message import MessageStatus, TurnAnswer, TurnRef
from backend.app.domain.projects.project import CodeVersion
from shared.events import VibecodeResponseEvent, logged_event_adapter


def complete_turn(
    connection: sqlite3.Connection,
    turn: TurnRef,
    answer: TurnAnswer,
    version: CodeVersion | None,
    event: VibecodeResponseEvent,
) -> VibecodeResponseEvent:
    """See TurnStore. Call it within a transaction."""
    if (completed := _completed_by(connection, turn)) is not None:
        return completed
    message = own_message(connection, turn)
    if message.cancel_requested:
        raise TurnCancelRequestedError
    _apply_version(connection, turn, version)
    _keep_answer(connection, turn, answer, event.version)
    end_message(connection, message, MessageStatus.COMPLETED, None, event.created_at, attempt=turn.attempt)
    connection.execute(
        "UPDATE sessions SET completed_number = ? WHERE session_id = ?",
        (turn.number, turn.session_id),
    )
    return append_event(connection, event.model_copy(update={"token_usage": message.token_usage}))


def _completed_by(connection: sqlite3.Connection, turn: TurnRef) -> VibecodeResponseEvent | None:
    message = find_active_message(connection, turn.message_id)
    if message is None or message.status is not MessageStatus.COMPLETED or message.attempt != turn.attempt:
        return None
    rows = connection.execute("SELECT body FROM events WHERE session_id = ? ORDER BY seq DESC", (turn.session_id,))
    for row in rows:
        event = logged_event_adapter.validate_json(row["body"])
        if isinstance(event, VibecodeResponseEvent) and event.message_id == turn.message_id:
            return event
    return None


def _apply_version(connection: sqlite3.Connection, turn: TurnRef, version: CodeVersion | None) -> None:
    project = connection.execute(
        "SELECT version FROM projects WHERE project_id = ? AND deleted = 0", (turn.project_id,)
    ).fetchone()
    if project is None:
        raise TurnFencedError("the project was deleted")
    if version is None:
        return
    if version.version != project["version"] + 1:
        raise StaleBaseError(f"the code is at version {project['version']}")
    add_code_version(connection, version)


def _keep_answer(connection: sqlite3.Connection, turn: TurnRef, answer: TurnAnswer, version: int) -> None:
    connection.execute(
        "UPDATE messages SET content = ?, patch = ?, base_version = ?, version = ?, iterations = ? "
        "WHERE message_id = ?",
        (answer.content, answer.patch, answer.base_version, version, answer.iterations, turn.message_id),
    )
