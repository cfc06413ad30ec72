"""Where the worker keeps what it does for a message: the port.

All reads but `list_stuck_sessions` are strongly consistent. Whatever is called one transaction lands whole or not at
all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from backend.app.domain.message import (
    CompletedTurn,
    Item,
    Message,
    MessageError,
    MessageStatus,
    ModelResponse,
    TurnAnswer,
    TurnRef,
)
from backend.app.domain.project import CodeVersion
from shared.events import (
    LoggedEvent,
    MessageCancelledEvent,
    MessageFailedEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
)


class TakeOutcome(Enum):
    """How an attempt to take a turn came out."""

    TAKEN = auto()
    LEASE_LIVE = auto()  # another worker has it
    ATTEMPTS_SPENT = auto()  # it was begun as often as it may be
    GONE = auto()  # it ended, or its session was deleted, meanwhile


@dataclass(frozen=True, slots=True)
class TurnSignal:
    """What a heartbeat hears back."""

    cancel_requested: bool


class TurnStore(Protocol):
    """Messages as the worker sees them. Every write carries the attempt as its fence: where another attempt
    has begun, the message has ended or the session is deleted, it raises TurnFencedError and changes nothing.
    """

    async def find_open_message(self, session_id: str) -> Message | None:
        """The open message of the session with the lowest number."""
        ...

    async def list_stuck_sessions(self, now: datetime, queued_before: datetime, limit: int) -> Sequence[str]:
        """Sessions with an open message whose lease is over, or that has been queued since before `queued_before`.

        Candidates only: this read may lag behind.
        """
        ...

    async def take_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[TakeOutcome, Message | None]:
        """Begin an attempt: queued, or running with its lease over -> running, attempt + 1. One conditional write.

        The message comes back as it is now (TAKEN) or as it was found.
        """
        ...

    async def beat(self, turn: TurnRef, lease_until: datetime | None) -> TurnSignal:
        """Extend the lease (None: leave it) and hear whether to stop."""
        ...

    async def release_lease(self, turn: TurnRef, now: datetime) -> None:
        """Let the next attempt begin at once."""
        ...

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """Store the response whole, add its usage to the message, log the event. Returns the logged event."""
        ...

    async def append_event(self, turn: TurnRef, event: LoggedEvent) -> LoggedEvent:
        """Give the event the session's next number and log it, as one transaction. Returns the logged event."""
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
