"""The event log in the local engine's SQLite file."""

import sqlite3
from datetime import timedelta
from typing import TypeVar

from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.ports import Clock
from shared.event_log import EventPage
from shared.events import LoggedBase, LoggedEvent, logged_event_adapter

EVENT_RETENTION = timedelta(days=7)
_PAGE_BYTES = 4_000_000

AnyLogged = TypeVar("AnyLogged", bound=LoggedBase)


def append_event(connection: sqlite3.Connection, event: AnyLogged) -> AnyLogged:
    """Within a transaction: number the event and log it. Returns it with its number."""
    row = connection.execute(
        "UPDATE sessions SET last_seq = last_seq + 1 WHERE session_id = ? RETURNING last_seq",
        (event.session_id,),
    ).fetchone()
    logged = event.model_copy(update={"seq": row["last_seq"]})
    connection.execute(
        "INSERT INTO events (session_id, seq, body, expires_at) VALUES (?, ?, ?, ?)",
        (
            logged.session_id,
            logged.seq,
            logged.model_dump_json(),
            to_iso(logged.created_at + EVENT_RETENTION),
        ),
    )
    return logged


class LocalEventLog:
    """The EventLogReader of the local engine."""

    def __init__(self, database: LocalDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        """See EventLogReader."""
        now = to_iso(self._clock.now())

        def work(connection: sqlite3.Connection) -> EventPage | None:
            session = connection.execute(
                "SELECT last_seq, deleted_at FROM sessions WHERE session_id = ? AND project_id = ?",
                (session_id, project_id),
            ).fetchone()
            if session is None:
                return None
            if session["deleted_at"] is not None:
                last = max(after, session["last_seq"] - 1)
                return EventPage(_read_page(connection, session_id, last, 1, now), session["last_seq"], deleted=True)
            events = _read_page(connection, session_id, after, limit, now)
            expected = min(after, session["last_seq"]) + 1
            first = events[0].seq if events else session["last_seq"] + 1
            return EventPage(events, session["last_seq"], truncated=first > expected)

        return await self._database.read(work)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        """See EventLogReader."""

        def work(connection: sqlite3.Connection) -> dict[str, int]:
            rows = connection.execute(
                "SELECT session_id, last_seq FROM sessions WHERE project_id = ? AND deleted_at IS NULL",
                (project_id,),
            )
            return {row["session_id"]: row["last_seq"] for row in rows}

        return await self._database.read(work)

    async def remove_expired_events(self) -> int:
        """Remove what is older than the log keeps. Returns how many events. Safe to repeat."""
        now = to_iso(self._clock.now())
        return await self._database.transaction(
            lambda connection: connection.execute("DELETE FROM events WHERE expires_at <= ?", (now,)).rowcount
        )


def _read_page(
    connection: sqlite3.Connection, session_id: str, after: int, limit: int, now: str
) -> tuple[LoggedEvent, ...]:
    rows = connection.execute(
        "SELECT body FROM events WHERE session_id = ? AND seq > ? AND expires_at > ? ORDER BY seq LIMIT ?",
        (session_id, after, now, limit),
    )
    events: list[LoggedEvent] = []
    size = 0
    for row in rows:
        size += len(row["body"].encode())
        if events and size > _PAGE_BYTES:
            break
        events.append(logged_event_adapter.validate_json(row["body"]))
    return tuple(events)
