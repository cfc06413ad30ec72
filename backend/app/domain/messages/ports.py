"""The ports of the message store and of waiting for a message to end.

All reads are strongly consistent: they see every write that was acknowledged before them, unless a method says that it
may lag behind. A method that is one transaction is applied completely or not at all, even if the process dies.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from backend.app.domain.messages.message import Message, ModelResponse
from backend.app.domain.page import Page
from shared.events import MessageCancelledEvent


class QueuedMessage(NamedTuple):
    """What came of queueing a message.

    Attributes:
        message: as it is stored.
        is_new: whether this call stored it.
        cancelled_at: when `cancel_message` last ended a message of the session; one that its worker ended as cancelled
            may count too.
    """

    message: Message
    is_new: bool
    cancelled_at: datetime | None


class MessageStore(Protocol):
    """Messages as their senders see them."""

    async def queue_message(self, message: Message, queue_limit: int) -> QueuedMessage:
        """Give the message the next number of its session and store it queued.

        The same id again in the same session with the same prompt returns what is stored. Raises
        MessageIdConflictError (other prompt or session), TooManyQueuedMessagesError (`queue_limit` are queued),
        SessionNotFoundError (gone).
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
        """End a queued message, or a running one whose lease is over, as one transaction with its event.

        A message that runs under a live lease is only marked, for its worker to see; an ended one is left alone.
        Returns the message as it is now, and the event where this call ended it. `event.token_usage` is
        filled in by the store. Raises MessageNotFoundError.
        """
        ...


class CompletionWaiter(Protocol):
    """Wakes those who wait for a message to end."""

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        """Return when the message may have ended, or after `timeout` seconds. A hint: read the message again."""
        ...


class WaitSlots(Protocol):
    """Bounds how many callers wait for the end of a message at a time, over all processes."""

    def hold(self, slots: int, seconds: float) -> AbstractAsyncContextManager[bool]:
        """Hold one of so many slots within the block, for so long at most: whether one was given.

        At most `slots` hold one at a time. Does not wait for one, and never raises: in doubt none is given. Of a holder
        that died the slot is free again some seconds after its time.
        """
        ...
