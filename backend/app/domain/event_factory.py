"""The fields that events share, filled in once for all of them."""

from datetime import datetime
from typing import TypedDict

from backend.app.domain.messages.message import Message, TurnRef
from backend.app.domain.ports import Clock, IdGenerator


class ProjectFields(TypedDict):
    """What every event has."""

    event_id: str
    project_id: str
    created_at: datetime


class SessionFields(ProjectFields):
    """What every event of a session has."""

    session_id: str


class MessageFields(SessionFields):
    """What every event of a message has."""

    message_id: str


class TurnFields(MessageFields):
    """What every event of a turn has."""

    attempt: int


class EventFactory:
    """Fills in an event's id, time and origin: `MessageCancelledEvent(**factory.of_message(message), code=...)`."""

    def __init__(self, clock: Clock, ids: IdGenerator) -> None:
        self._clock = clock
        self._ids = ids

    def of_project(self, project_id: str, created_at: datetime | None = None) -> ProjectFields:
        """The fields of a project's event; created now, where no time is given."""
        return {
            "event_id": self._ids.new_id(),
            "project_id": project_id,
            "created_at": created_at or self._clock.now(),
        }

    def of_session(self, project_id: str, session_id: str) -> SessionFields:
        """The fields of a session's event."""
        return {**self.of_project(project_id), "session_id": session_id}

    def of_message(self, message: Message | TurnRef, created_at: datetime | None = None) -> MessageFields:
        """The fields of a message's event; created now, where no time is given."""
        return {
            **self.of_project(message.project_id, created_at),
            "session_id": message.session_id,
            "message_id": message.message_id,
        }

    def of_turn(self, turn: TurnRef, created_at: datetime | None = None) -> TurnFields:
        """The fields of an event of one attempt of a turn; created now, where no time is given."""
        return {**self.of_message(turn, created_at), "attempt": turn.attempt}
