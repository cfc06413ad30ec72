"""Where the worker keeps what it does for a message: the port.

All reads but `list_due_sessions` and `count_running` are strongly consistent. Whatever is called one transaction lands
whole or not at all.
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
    ATTEMPTS_SPENT = auto()  # it was begun as often as it may be
    NOT_OPEN = auto()  # it has ended, or its session was deleted


@dataclass(frozen=True, slots=True)
class HeartbeatResult:
    """What a heartbeat hears back."""

    cancel_requested: bool


class TurnStore(Protocol):
    """Messages as the worker sees them. Every write carries the attempt as its fence: where another attempt
    has begun, the message has ended or the session is deleted, it raises TurnFencedError and changes nothing.

    What ends the first open message of a session makes the next one due soon after, in the same transaction: a worker
    must have begun it by then.
    """

    async def find_open_message(self, session_id: str) -> Message | None:
        """The open message of the session with the lowest number."""
        ...

    async def is_open(self, message_id: str) -> bool:
        """Whether the message still waits for its end."""
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

        False where the message is not as it was found any more: somebody has it, or rescued it, meanwhile.
        """
        ...

    async def claim_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[ClaimResult, Message | None]:
        """Begin an attempt: queued, or running with its lease over -> running, attempt + 1, no rescues. One
        conditional write.

        The message comes back as it is now (TAKEN) or as it was found.
        """
        ...

    async def heartbeat(self, turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
        """Extend the lease (None: leave it) and hear whether to stop."""
        ...

    async def release_lease(self, turn: TurnRef, now: datetime, retry_at: datetime | None = None) -> None:
        """Let the next attempt begin at once. It is looked after where no worker has begun it soon after `retry_at`
        (now).
        """
        ...

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """Store the response whole, add its usage to the message, log the event. Returns the logged event."""
        ...

    async def append_event(self, turn: TurnRef, event: LoggedEvent, last_seq: int | None = None) -> LoggedEvent:
        """Give the event the session's next number and log it, as one transaction. Returns the logged event.

        `last_seq` is the session's last number, where it was read just now: a hint that spares the store a look.
        """
        ...

    async def store_items(self, turn: TurnRef, items: Sequence[Item]) -> None:
        """Keep what this attempt adds to the memory. Counts only once the turn is completed. Safe to repeat."""
        ...

    async def complete_turn(
        self, turn: TurnRef, answer: TurnAnswer, version: CodeVersion | None, event: VibecodeResponseEvent
    ) -> VibecodeResponseEvent:
        """End the turn well, as one transaction: code version (must follow the current one), message, event, counters.

        The store fills in `event.token_usage`. Returns the logged event, again if this very attempt had completed.
        Raises StaleBaseError (the code changed), TurnCancelRequestedError (asked to stop); then nothing changed.
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
