"""The ports of the session store and of erasing deleted sessions.

All reads are strongly consistent: they see every write that was acknowledged before them, unless a method says that it
may lag behind. A method that is one transaction is atomic, even if the process dies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.app.domain.messages.message import MessageError
from backend.app.domain.page import Page
from backend.app.domain.sessions.session import Session
from shared.events import SessionDeletedEvent


class SessionStore(Protocol):
    """Sessions. A key (project and node) has at most one active session."""

    async def start_session(self, session: Session) -> tuple[Session, bool]:
        """Store the session, or find the active one of the same key. Returns the session and whether it is new.

        Raises ProjectNotFoundError where the project was deleted.
        """
        ...

    async def find_session(self, session_id: str) -> Session | None:
        """The session; None where there is none, or it is deleted."""
        ...

    async def list_sessions(self, project_id: str, limit: int, cursor: str | None) -> Page[Session]:
        """The active sessions of a project, oldest first; of a deleted project too, until they are deleted."""
        ...

    async def list_orphaned_sessions(self, limit: int) -> Sequence[Session]:
        """Active sessions of deleted projects, left over by an interrupted deletion."""
        ...

    async def delete_session(
        self, session_id: str, event: SessionDeletedEvent, error: MessageError
    ) -> SessionDeletedEvent | None:
        """Turn the session into a tombstone: free its key, cancel its open messages with `error`, log the event.

        All in one transaction. From then on no read finds the session and every write to it is refused. Returns the
        logged event; None where the session was deleted before. Safe to repeat.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted session whose data may not be erased yet."""

    session: Session
    deleted_at: datetime


class ErasureStore(Protocol):
    """The data of deleted sessions."""

    async def list_sessions_to_erase(
        self, settled_before: datetime, limit: int, cursor: str | None = None
    ) -> Page[Tombstone]:
        """Deleted sessions that were not erased yet, or were erased before their last turn had surely ended.

        Sessions deleted before `settled_before` have no turn that could still write.
        """
        ...

    async def erase_records(self, session_id: str, *, final: bool) -> None:
        """Remove all messages, responses, items and events of a deleted session. Safe to repeat.

        Its tombstone stays, with its last event, `session_deleted`. A `final` call takes it off the list of sessions to
        erase and removes all that a user wrote, including the names of its node and memory.
        """
        ...

    async def remove_tombstones(self, deleted_before: datetime) -> None:
        """Remove the tombstones of erased sessions that were deleted before that time. Safe to repeat."""
        ...

    async def erase_deleted_projects(self) -> None:
        """Remove deleted projects that have no active session left. Safe to repeat."""
        ...
