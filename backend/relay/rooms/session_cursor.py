"""How much of one session was emitted to a room, and which of its messages have ended."""

from dataclasses import dataclass, field

from shared.events import ENDING_TYPES, LiveEvent, LoggedEvent

# Deltas of older messages no longer arrive.
_MAX_ATTEMPTS = 64


@dataclass
class SessionCursor:
    """One session of a room.

    Attributes:
        seq: the number of the last event that was emitted to the room.
        deleted: `session_deleted` was emitted to the room; nothing of the session is emitted after it.
    """

    seq: int = 0
    deleted: bool = False
    # By message the running attempt, None once it has ended; the newest messages only.
    _attempts: dict[str, int | None] = field(default_factory=dict)

    def advance(self, event: LoggedEvent) -> None:
        """Record that the event was emitted."""
        self.seq = event.seq
        # By name: isinstance of a pydantic model is slow, and this runs for every event.
        if event.type == "session_deleted":
            self.deleted = True
            self._attempts.clear()
        elif event.type == "message_started":
            self._set_attempt(event.message_id, event.attempt)
        elif event.type in ENDING_TYPES:
            self._set_attempt(event.message_id, None)

    def is_stale(self, event: LiveEvent) -> bool:
        """Whether a live event is too late: its message or attempt has ended, or the session was deleted."""
        if self.deleted:
            return True
        if event.type != "text_delta" or event.message_id not in self._attempts:
            return False
        attempt = self._attempts[event.message_id]
        return attempt is None or event.attempt < attempt

    def _set_attempt(self, message_id: str, attempt: int | None) -> None:
        self._attempts.pop(message_id, None)
        self._attempts[message_id] = attempt
        if len(self._attempts) > _MAX_ATTEMPTS:
            del self._attempts[next(iter(self._attempts))]
