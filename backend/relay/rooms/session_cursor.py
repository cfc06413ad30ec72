"""How far one session has been told to a room, and what is over in it."""

from dataclasses import dataclass, field

from shared.events import ENDING_TYPES, LiveEvent, LoggedEvent

# Text of older messages than these is long past any bus.
_REMEMBERED_MESSAGES = 64


@dataclass
class SessionCursor:
    """One session of a room.

    Attributes:
        seq: the number of the newest event that the room was told.
        deleted: the room was told that the session is gone; nothing of it is told after that.
    """

    seq: int = 0
    deleted: bool = False
    # By message the attempt that runs, None once it has ended; the newest ones.
    _attempts: dict[str, int | None] = field(default_factory=dict)

    def advance(self, event: LoggedEvent) -> None:
        """Take note that the room was told the event."""
        self.seq = event.seq
        # By name: isinstance of a pydantic model is slow, and this is done for every event.
        if event.type == "session_deleted":
            self.deleted = True
            self._attempts.clear()
        elif event.type == "message_started":
            self._note(event.message_id, event.attempt)
        elif event.type in ENDING_TYPES:
            self._note(event.message_id, None)

    def is_over(self, event: LiveEvent) -> bool:
        """Whether a live event comes too late: its message or attempt is over, or the session gone."""
        if self.deleted:
            return True
        if event.type != "text_delta" or event.message_id not in self._attempts:
            return False
        attempt = self._attempts[event.message_id]
        return attempt is None or event.attempt < attempt

    def _note(self, message_id: str, attempt: int | None) -> None:
        self._attempts.pop(message_id, None)
        self._attempts[message_id] = attempt
        if len(self._attempts) > _REMEMBERED_MESSAGES:
            del self._attempts[next(iter(self._attempts))]
