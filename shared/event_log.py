"""Reading the event log: what the API and the relay both do. Each engine has one reader."""

from dataclasses import dataclass
from typing import Protocol

from shared.events import LoggedEvent


class LogUnavailableError(Exception):
    """The log's store cannot be used; the message is for people."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Consecutive events of one session, in order.

    Attributes:
        events: those after the asked number, as many as fit in a page.
        last_seq: the number of the session's newest event.
        truncated: some events after the asked number are older than the log keeps, and are not here.
        deleted: the session is deleted; then at most its `session_deleted` is left.
    """

    events: tuple[LoggedEvent, ...]
    last_seq: int
    truncated: bool = False
    deleted: bool = False

    @property
    def has_more(self) -> bool:
        """Whether the log holds newer events than this page."""
        return bool(self.events) and self.events[-1].seq < self.last_seq


class EventLogReader(Protocol):
    """Strongly consistent reads of the event log. Safe to call at any time, any number of times."""

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        """The events of a session with a number above `after`: at most `limit`, and at most about 4 MB.

        Returns None where the project has no such session (a foreign one and none at all are the same).
        """
        ...

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        """The number of the newest event of every live session of a project, in one query."""
        ...
