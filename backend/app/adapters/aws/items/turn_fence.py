"""Fences a turn's writes by its attempt: they fail once another attempt started or the message ended."""

from typing import Any

from backend.app.domain.errors import TurnFencedError
from backend.app.domain.messages.message import MessageStatus, TurnRef
from shared.aws_item import Change, Item, Write, check, update
from shared.table_keys import message_key

# Deleting a session cancels its open messages in the same transaction, so this holds for no deleted session.
OWN = "#message_id = :message_id AND #attempt = :own AND #status = :running"


def own_update(turn: TurnRef, change: Change, condition: str = OWN) -> Write:
    """Change the turn's message, fenced by its attempt."""
    return update(message_key(turn.session_id, turn.number), change, condition, **_fence(turn))


def own_check(turn: TurnRef) -> Write:
    """Check that the turn still belongs to this attempt."""
    return check(message_key(turn.session_id, turn.number), OWN, **_fence(turn))


def require_own(turn: TurnRef, message: Item | None) -> Item:
    """The message's item itself. Raises TurnFencedError if the turn no longer belongs to this attempt."""
    if message is None or message["message_id"] != turn.message_id:
        raise TurnFencedError("the session was deleted")
    if message["status"] != MessageStatus.RUNNING or message["attempt"] != turn.attempt:
        raise TurnFencedError(f"the message is {message['status']} in attempt {message['attempt']}")
    return message


def _fence(turn: TurnRef) -> dict[str, Any]:
    return {"message_id": turn.message_id, "own": turn.attempt, "running": MessageStatus.RUNNING}
