"""The ports of the message store and of waiting for a message to end.

All reads are strongly consistent: they see every write that was acknowledged before them, unless a method says that it
may lag behind. A method that is one transaction is atomic, even if the process dies.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from backend.app.domain.messages.message import Message, ModelResponse
from backend.app.domain.page import Page
from shared.events import MessageCancelledEvent


class QueuedMessage(NamedTuple):
    """The result of `queue_message`.

    Attributes:
        message: as it is stored.
        is_new: whether this call stored it.
        cancelled_at: when a message of the session was last cancelled by `cancel_message` (or perhaps by a worker).
    """

    message: Message
    is_new: bool
    cancelled_at: datetime | None


class MessageStore(Protocol):
    """Messages, as the API reads and writes them."""

    async def queue_message(self, message: Message, queue_limit: int) -> QueuedMessage:
        """Store the message as queued, with the next number of its session.

        The same id again in the same session with the same prompt returns what is stored. Raises
        MessageIdConflictError (other prompt or session), TooManyQueuedMessagesError (`queue_limit` are queued),
        SessionNotFoundError (deleted).
        """
        ...

    async def find_message(self, message_id: str) -> Message | None:
        """The message; None where there is none, or its session is deleted."""
        ...

    async def list_messages(self, session_id: str, limit: int, cursor: str | None, *, ascending: bool) -> Page[Message]:
        """The messages of a session by number."""
        ...

    async def list_responses(self, message_id: str) -> Sequence[ModelResponse]:
        """All model responses of a message, those of failed attempts included, by attempt and call."""
        ...

    async def cancel_message(
        self, message_id: str, now: datetime, event: MessageCancelledEvent
    ) -> tuple[Message, MessageCancelledEvent | None]:
        """Cancel a queued message, or a running one whose lease is over, as one transaction with its event.

        A message whose lease is held is only marked, for its worker to cancel; an ended one is left as it is. Returns
        the message as it is now, and the logged event if this call ended it. The store fills in `event.token_usage`.
        Raises MessageNotFoundError.
        """
        ...


class CompletionWaiter(Protocol):
    """Waits for messages to end."""

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        """Return when the message may have ended, or after `timeout` seconds. The caller then reads the message."""
        ...


class WaitSlots(Protocol):
    """Limits how many callers wait for messages at a time, over all processes."""

    def hold(self, slots: int, seconds: float) -> AbstractAsyncContextManager[bool]:
        """Hold one of `slots` slots during the block, for at most `seconds`. Yields whether a slot was free.

        Neither waits nor raises: after an error no slot is given. The slot of a process that died becomes free some
        seconds after its time is over.
        """
        ...
