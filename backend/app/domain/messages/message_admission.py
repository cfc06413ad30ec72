"""When a session accepts a message: the rules that every store applies."""

from backend.app.domain.errors import MessageIdConflictError, TooManyQueuedMessagesError
from backend.app.domain.messages.message import Message


def require_same_session(sent: Message, session_id: str) -> None:
    """Refuse an id that another session has used. Raises MessageIdConflictError."""
    if session_id != sent.session_id:
        raise MessageIdConflictError(f"Message id {sent.message_id} is already in use. Use another id.")


def require_same_prompt(sent: Message, prompt: str) -> None:
    """Refuse another prompt for an id that was sent before. Raises MessageIdConflictError."""
    if prompt != sent.prompt:
        raise MessageIdConflictError(
            f"Message {sent.message_id} was sent before with another prompt. Use another id.",
            session_id=sent.session_id,
        )


def require_queue_capacity(session_id: str, queued: int, limit: int) -> None:
    """Refuse a message where `limit` are queued already. Raises TooManyQueuedMessagesError."""
    if queued >= limit:
        raise TooManyQueuedMessagesError(
            f"This session has {queued} queued messages, the most that are allowed. Try again when one has ended.",
            session_id=session_id,
        )
