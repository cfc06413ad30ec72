"""Where projects, sessions and messages are kept: the ports. Turns have theirs in turn_store_port.py.

All reads are strongly consistent: they see every write that was acknowledged before them. Only the lists for the
schedule (orphaned sessions, sessions to erase, deleted projects) may lag behind. Whatever is called one transaction
lands whole or not at all, whatever happens to the process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from backend.app.domain.message import (
    Message,
    MessageError,
    ModelResponse,
)
from backend.app.domain.project import CodeVersion, Project, ProjectChange, ProjectEntry, VersionEntry
from backend.app.domain.session import Session
from shared.events import (
    MessageCancelledEvent,
    SessionDeletedEvent,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `cursors` has one for each item: it asks for what follows that item."""

    items: tuple[T, ...]
    cursors: tuple[str, ...] = ()
    has_more: bool = False

    @property
    def next_cursor(self) -> str | None:
        """Asks for what follows this page; None where nothing does."""
        return self.next_cursor_after(len(self.items))

    def next_cursor_after(self, count: int) -> str | None:
        """The same for a page that is cut after `count` of its items."""
        if count == 0 or (count == len(self.items) and not self.has_more):
            return None
        return self.cursors[count - 1]


class ProjectStore(Protocol):
    """Projects and the versions of their code."""

    async def create_project(self, project: Project) -> None:
        """Store a new project and its code as version 1."""
        ...

    async def find_project(self, project_id: str) -> Project | None:
        """The project with its current code; None where there is none, or no longer."""
        ...

    async def find_code_version(self, project_id: str, version: int) -> CodeVersion | None:
        """One version of a project's code."""
        ...

    async def list_projects(self, user_id: str, limit: int, cursor: str | None) -> Page[ProjectEntry]:
        """The projects that the user owns or is a member of, newest first. Reads the code of none of them."""
        ...

    async def list_code_versions(self, project_id: str, limit: int, cursor: str | None) -> Page[VersionEntry]:
        """The history of a project's code, newest first."""
        ...

    async def update_project(self, project_id: str, change: ProjectChange, now: datetime) -> Project | None:
        """Apply a change as one transaction and return the project; None where there is none.

        Raises StaleVersionError where `change.code` is not the successor of the current version; then nothing changed.
        """
        ...

    async def delete_project(self, project_id: str) -> bool:
        """Take the project from every reader at once. False where it was gone before. Safe to repeat."""
        ...


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
