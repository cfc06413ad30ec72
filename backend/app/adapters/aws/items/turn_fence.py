"""The fence of a turn's writes: they are refused once another attempt began, or the message ended."""

from typing import Any

from backend.app.domain.errors import TurnFencedError
from backend.app.domain.messages.message import MessageStatus, TurnRef
from shared.aws_item import Item, Write, check, update
from shared.table_keys import message_key

# Deleting a session cancels its open messages in the same transaction, so this holds for no deleted session.
OWN = "#message_id = :message_id AND #attempt = :own AND #status = :running"


def own_update(turn: TurnRef, change: str, condition: str = OWN, **values: Any) -> Write:
    """Change the turn's message by an update expression."""
    return update(message_key(turn.session_id, turn.number), change, condition, **values, **_fence(turn))


def own_check(turn: TurnRef) -> Write:
    """Only go on where the turn is still this attempt's."""
    return check(message_key(turn.session_id, turn.number), OWN, **_fence(turn))


def require_own(turn: TurnRef, message: Item | None) -> Item:
    """The message's item itself. Raises TurnFencedError where the turn is not this attempt's any more."""
    if message is None or message["message_id"] != turn.message_id:
        raise TurnFencedError("the session was deleted")
    if message["status"] != MessageStatus.RUNNING or message["attempt"] != turn.attempt:
        raise TurnFencedError(f"the message is {message['status']} in attempt {message['attempt']}")
    return message


def _fence(turn: TurnRef) -> dict[str, Any]:
    return {"message_id": turn.message_id, "own": turn.attempt, "running": MessageStatus.RUNNING}
