"""When a message gets a place in its session: the rules that every store follows."""

from backend.app.domain.errors import MessageIdConflictError, TooManyQueuedMessagesError
from backend.app.domain.messages.message import Message


def require_same_session(sent: Message, session_id: str) -> None:
    """The id of a message that is sent again must not be another session's. Raises MessageIdConflictError."""
    if session_id != sent.session_id:
        raise MessageIdConflictError(f"The message id {sent.message_id} is taken. Use another one.")


def require_same_prompt(sent: Message, prompt: str) -> None:
    """A message that is sent again must be the same one. Raises MessageIdConflictError."""
    if prompt != sent.prompt:
        raise MessageIdConflictError(
            f"The message {sent.message_id} was sent before with another prompt. Use another id.",
            session_id=sent.session_id,
        )


def require_room(session_id: str, queued: int, limit: int) -> None:
    """A session has room for one more message. Raises TooManyQueuedMessagesError."""
    if queued >= limit:
        raise TooManyQueuedMessagesError(
            f"{queued} messages wait in this session; send the next when one has ended.", session_id=session_id
        )
