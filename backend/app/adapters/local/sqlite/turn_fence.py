"""Fences a turn's writes by its attempt: they fail once another attempt started or the message ended."""

import sqlite3

from backend.app.adapters.local.sqlite.messages import find_active_message
from backend.app.domain.errors import TurnFencedError
from backend.app.domain.messages.message import Message, MessageStatus, TurnRef


def own_message(connection: sqlite3.Connection, turn: TurnRef) -> Message:
    """The turn's message. Raises TurnFencedError if the turn no longer belongs to this attempt."""
    message = find_active_message(connection, turn.message_id)
    if message is None:
        raise TurnFencedError("the session was deleted")
    if message.status is not MessageStatus.RUNNING or message.attempt != turn.attempt:
        raise TurnFencedError(f"the message is {message.status} in attempt {message.attempt}")
    return message
