"""Lists due turns in the local engine's SQLite file, and records their rescues."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial

from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import Message

_PAGE = 100
# Due times are never further ahead than this: a later one was set before the clock was set back.
_FURTHEST_AHEAD = timedelta(minutes=10)


async def list_due_sessions(database: LocalDatabase, now: datetime) -> AsyncIterator[str]:
    """See TurnStore."""
    await _correct_due_times(database, now)
    after = ("", "")
    while True:
        rows = await database.read(partial(_read_page, now=now, after=after))
        for row in rows:
            yield row["session_id"]
        if len(rows) < _PAGE:
            return
        after = (rows[-1]["due_at"], rows[-1]["message_id"])


async def count_running(database: LocalDatabase, now: datetime, limit: int) -> int:
    """See TurnStore."""

    def work(connection: sqlite3.Connection) -> int:
        row = connection.execute(
            "SELECT count(*) AS n FROM (SELECT 1 FROM messages WHERE status = 'running' AND lease_until > ? "
            "AND lease_until <= ? LIMIT ?)",
            (to_iso(now), to_iso(now + _FURTHEST_AHEAD), limit),
        ).fetchone()
        return int(row["n"])

    return await database.read(work)


async def note_rescue(database: LocalDatabase, message: Message, due_at: datetime) -> bool:
    """See TurnStore."""
    if message.due_at is None:
        return False
    found = (message.message_id, message.attempt, message.status, to_iso(message.due_at))

    def work(connection: sqlite3.Connection) -> bool:
        noted = connection.execute(
            "UPDATE messages SET due_at = ?, rescues = ? "
            "WHERE message_id = ? AND attempt = ? AND status = ? AND due_at = ?",
            (to_iso(due_at), message.rescues + 1, *found),
        )
        return noted.rowcount == 1

    return await database.transaction(work)


async def _correct_due_times(database: LocalDatabase, now: datetime) -> None:
    """Make messages due whose due time was set before the clock was set back."""
    where = "due_at > ? AND status IN ('queued', 'running')"
    bound = to_iso(now + _FURTHEST_AHEAD)
    found = await database.read(
        lambda connection: connection.execute(f"SELECT 1 FROM messages WHERE {where} LIMIT 1", (bound,)).fetchone()
    )
    if found is not None:
        await database.transaction(
            lambda connection: connection.execute(f"UPDATE messages SET due_at = ? WHERE {where}", (to_iso(now), bound))
        )


def _read_page(connection: sqlite3.Connection, *, now: datetime, after: tuple[str, str]) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT session_id, message_id, due_at FROM messages "
        "WHERE due_at IS NOT NULL AND due_at <= ? AND (due_at, message_id) > (?, ?) "
        "ORDER BY due_at, message_id LIMIT ?",
        (to_iso(now), *after, _PAGE),
    ).fetchall()
