"""The port of the turn store: what a worker reads and writes.

All reads but `list_due_sessions` and `count_running` are strongly consistent. A method that is one transaction is
atomic, even if the process dies.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from backend.app.domain.messages.message import (
    CompletedTurn,
    Item,
    Message,
    MessageError,
    MessageStatus,
    ModelResponse,
    TurnAnswer,
    TurnRef,
)
from backend.app.domain.projects.project import CodeVersion
from shared.events import (
    LoggedEvent,
    MessageCancelledEvent,
    MessageFailedEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
)


class ClaimResult(Enum):
    """The result of claiming a turn."""

    CLAIMED = auto()
    HELD = auto()  # another worker holds a lease on it
    ATTEMPTS_SPENT = auto()  # it was started as often as the limit allows
    NOT_OPEN = auto()  # it has ended, or its session was deleted


@dataclass(frozen=True, slots=True)
class HeartbeatResult:
    """The store's response to a heartbeat."""

    cancel_requested: bool


class TurnStore(Protocol):
    """Messages, as a worker reads and writes them.

    The attempt fences every write: where another attempt was started, the message has ended or the session is deleted,
    the write raises TurnFencedError and changes nothing. Ending the first open message of a session makes the next one
    due, in the same transaction: a worker must claim it soon.
    """

    async def find_open_message(self, session_id: str) -> Message | None:
        """The open message of the session with the lowest number."""
        ...

    async def is_open(self, message_id: str) -> bool:
        """Whether the message exists and has not ended."""
        ...

    def list_due_sessions(self, now: datetime) -> AsyncIterator[str]:
        """All sessions whose first open message is due by `now`, read page by page; the longest due first.

        Candidates only: this read may lag behind.
        """
        ...

    async def count_running(self, now: datetime, limit: int) -> int:
        """How many messages are running under a lease that is held, counted up to `limit`. May lag behind."""
        ...

    async def note_rescue(self, message: Message, due_at: datetime) -> bool:
        """Count a rescue of the message, which is due again at `due_at`. One conditional write.

        False where the message has changed since it was read: a worker holds it, or another search rescued it.
        """
        ...

    async def claim_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[ClaimResult, Message | None]:
        """Claim a message that is queued, or running with its lease over: it is then running, with attempt + 1 and no
        rescues. One conditional write.

        Returns the message as it is now (CLAIMED), or as it was found.
        """
        ...

    async def heartbeat(self, turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
        """Extend the lease (None: leave it), and check for a cancel."""
        ...

    async def release_lease(self, turn: TurnRef, now: datetime, retry_at: datetime | None = None) -> None:
        """Release the lease, so that the next attempt can start immediately.

        The message is due, for the search for abandoned turns, soon after `retry_at` (by default now).
        """
        ...

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """Store the complete response, add its usage to the message, log the event. Returns the logged event."""
        ...

    async def append_event(self, turn: TurnRef, event: LoggedEvent, last_seq: int | None = None) -> LoggedEvent:
        """Give the event the session's next number and log it, as one transaction. Returns the logged event.

        `last_seq`, the session's last number if it was just read, is a hint that saves the store a read.
        """
        ...

    async def store_items(self, turn: TurnRef, items: Sequence[Item]) -> None:
        """Store what this attempt adds to the memory. It takes effect once the turn is completed. Safe to repeat."""
        ...

    async def complete_turn(
        self, turn: TurnRef, answer: TurnAnswer, version: CodeVersion | None, event: VibecodeResponseEvent
    ) -> VibecodeResponseEvent:
        """Complete the turn as one transaction: code version (must follow the current one), message, event, counters.

        The store fills in `event.token_usage`. Returns the logged event, also if this attempt had completed the turn
        before. Raises StaleBaseError (the code changed), TurnCancelRequestedError; then nothing was changed.
        """
        ...

    async def end_turn(
        self,
        turn: TurnRef,
        status: MessageStatus,
        error: MessageError,
        iterations: int,
        event: MessageFailedEvent | MessageCancelledEvent,
    ) -> MessageFailedEvent | MessageCancelledEvent:
        """End the turn failed or cancelled, as one transaction with its event. Keeps usage and responses."""
        ...

    async def list_completed_turns(self, session_id: str, after: int, limit: int) -> Sequence[CompletedTurn]:
        """The completed turns of a session with a number above `after`, in order, with their items."""
        ...
