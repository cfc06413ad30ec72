"""The port for reading the event log, used by the API and the relay."""

from dataclasses import dataclass
from typing import Protocol

from shared.events import LoggedEvent


class LogUnavailableError(Exception):
    """The event log's store cannot be used; the message is for people to read."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Consecutive events of one session, in order.

    Attributes:
        events: those after the requested number that fit in a page.
        last_seq: the number of the session's newest event.
        truncated: some events after the requested number have expired.
        deleted: the session was deleted; at most its `session_deleted` is left.
    """

    events: tuple[LoggedEvent, ...]
    last_seq: int
    truncated: bool = False
    deleted: bool = False

    @property
    def has_more(self) -> bool:
        """Whether the log has newer events than this page."""
        return bool(self.events) and self.events[-1].seq < self.last_seq


class EventLogReader(Protocol):
    """Strongly consistent reads of the event log."""

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        """The events of a session with a number above `after`: at most `limit`, and at most about 4 MB.

        Returns None if the project has no such session, also if another project has it.
        """
        ...

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        """The number of the newest event of every session of a project that is not deleted, in one query."""
        ...
