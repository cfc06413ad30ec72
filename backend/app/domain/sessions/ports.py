"""The ports of the session store and of erasing deleted sessions.

All reads are strongly consistent: they see every write that was acknowledged before them, unless a method says that it
may lag behind. A method that is one transaction is applied completely or not at all, even if the process dies.
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
    """Sessions. A key (project and node) has at most one live session."""

    async def start_session(self, session: Session) -> tuple[Session, bool]:
        """Store the session, or find the live one of the same key: the session, and whether it is new.

        Raises ProjectNotFoundError where the project is gone.
        """
        ...

    async def find_session(self, session_id: str) -> Session | None:
        """The session; None where there is none, or it is deleted."""
        ...

    async def list_sessions(self, project_id: str, limit: int, cursor: str | None) -> Page[Session]:
        """The live sessions of a project, oldest first; those of a deleted project too, until they are deleted."""
        ...

    async def list_orphaned_sessions(self, limit: int) -> Sequence[Session]:
        """Live sessions of deleted projects: what a deletion that was interrupted left."""
        ...

    async def delete_session(
        self, session_id: str, event: SessionDeletedEvent, error: MessageError
    ) -> SessionDeletedEvent | None:
        """Make the session a tombstone: frees its key, cancels its open messages with `error`, logs the event.

        All as one transaction.
        From then on every read answers as if it had never been, and every write of the session is refused.
        Returns the logged event; None where the session was gone before. Safe to repeat.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted session of which something may be left."""

    session: Session
    deleted_at: datetime


class ErasureStore(Protocol):
    """What is left of deleted sessions."""

    async def list_sessions_to_erase(
        self, settled_before: datetime, limit: int, cursor: str | None = None
    ) -> Page[Tombstone]:
        """Deleted sessions that were not erased yet, or were erased before the last turn of theirs can have ended.

        Those deleted before `settled_before` have no turn left that could still write.
        """
        ...

    async def erase_records(self, session_id: str, *, final: bool) -> None:
        """Remove all messages, responses, items and events of a deleted session. Safe to repeat.

        Its tombstone stays, with its last event, `session_deleted`. Once `final`, it is listed no more, and has nothing
        left that a person wrote: neither its node nor its memory has a name.
        """
        ...

    async def remove_tombstones(self, deleted_before: datetime) -> None:
        """Forget sessions that were deleted before and are erased for good. Safe to repeat."""
        ...

    async def erase_deleted_projects(self) -> None:
        """Forget deleted projects once none of their sessions is live. Safe to repeat."""
        ...
