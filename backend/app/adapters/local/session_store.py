"""Sessions in the local engine's SQLite file."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from backend.app.adapters.cursors import cursor_of, id_of
from backend.app.adapters.local.event_log import append_event
from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.local.sqlite.rows import session_of
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.errors import ProjectNotFoundError
from backend.app.domain.messages.message import MessageError, MessageStatus
from backend.app.domain.page import Page
from backend.app.domain.sessions.ports import Tombstone
from backend.app.domain.sessions.session import Session
from shared.events import SessionDeletedEvent


class LocalSessionStore:
    """The SessionStore and the ErasureStore of the local engine."""

    def __init__(self, database: LocalDatabase) -> None:
        self._database = database

    async def start_session(self, session: Session) -> tuple[Session, bool]:
        """See SessionStore."""

        def work(connection: sqlite3.Connection) -> tuple[Session, bool]:
            project = connection.execute(
                "SELECT 1 FROM projects WHERE project_id = ? AND deleted = 0", (session.project_id,)
            ).fetchone()
            if project is None:
                raise ProjectNotFoundError(session.project_id)
            found = connection.execute(
                "SELECT * FROM sessions WHERE openai_session_key = ? AND deleted_at IS NULL",
                (session.openai_session_key,),
            ).fetchone()
            if found is not None:
                return session_of(found), False
            connection.execute(
                "INSERT INTO sessions (session_id, project_id, node_id, openai_session_key, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    session.session_id,
                    session.project_id,
                    session.node_id,
                    session.openai_session_key,
                    to_iso(session.created_at),
                ),
            )
            return session, True

        return await self._database.transaction(work)

    async def find_session(self, session_id: str) -> Session | None:
        """See SessionStore."""

        def work(connection: sqlite3.Connection) -> Session | None:
            row = connection.execute(
                "SELECT * FROM sessions WHERE session_id = ? AND deleted_at IS NULL", (session_id,)
            ).fetchone()
            return None if row is None else session_of(row)

        return await self._database.read(work)

    async def list_sessions(self, project_id: str, limit: int, cursor: str | None) -> Page[Session]:
        """See SessionStore."""
        after = "" if cursor is None else id_of(cursor)

        def work(connection: sqlite3.Connection) -> Page[Session]:
            rows = connection.execute(
                "SELECT * FROM sessions WHERE project_id = ? AND deleted_at IS NULL AND session_id > ? "
                "ORDER BY session_id LIMIT ?",
                (project_id, after, limit + 1),
            ).fetchall()
            sessions = tuple(session_of(row) for row in rows[:limit])
            return Page(sessions, tuple(cursor_of(one.session_id) for one in sessions), len(rows) > limit)

        return await self._database.read(work)

    async def delete_session(
        self, session_id: str, event: SessionDeletedEvent, error: MessageError
    ) -> SessionDeletedEvent | None:
        """See SessionStore."""

        def work(connection: sqlite3.Connection) -> SessionDeletedEvent | None:
            now = to_iso(event.created_at)
            deleted = connection.execute(
                "UPDATE sessions SET deleted_at = ? WHERE session_id = ? AND deleted_at IS NULL",
                (now, session_id),
            ).rowcount
            if not deleted:
                return None
            connection.execute(
                "UPDATE messages SET status = ?, attempt = attempt + 1, error_code = ?, error_detail = ?, "
                "completed_at = ?, due_at = NULL, rescues = 0 WHERE session_id = ? AND status IN ('queued', 'running')",
                (MessageStatus.CANCELLED, error.code, error.detail, now, session_id),
            )
            return append_event(connection, event)

        return await self._database.transaction(work)

    async def list_orphaned_sessions(self, limit: int) -> Sequence[Session]:
        """See SessionStore."""

        def work(connection: sqlite3.Connection) -> list[Session]:
            rows = connection.execute(
                "SELECT s.* FROM sessions s JOIN projects p ON p.project_id = s.project_id AND p.deleted = 1 "
                "WHERE s.deleted_at IS NULL LIMIT ?",
                (limit,),
            )
            return [session_of(row) for row in rows]

        return await self._database.read(work)

    async def list_sessions_to_erase(
        self, settled_before: datetime, limit: int, cursor: str | None = None
    ) -> Page[Tombstone]:
        """See ErasureStore."""
        after = "" if cursor is None else id_of(cursor)

        def work(connection: sqlite3.Connection) -> Page[Tombstone]:
            rows = connection.execute(
                "SELECT * FROM sessions WHERE deleted_at IS NOT NULL AND erased < 2 "
                "AND (erased = 0 OR deleted_at <= ?) AND session_id > ? ORDER BY session_id LIMIT ?",
                (to_iso(settled_before), after, limit + 1),
            ).fetchall()
            found = tuple(Tombstone(session_of(row), from_iso(row["deleted_at"])) for row in rows[:limit])
            return Page(found, tuple(cursor_of(one.session.session_id) for one in found), len(rows) > limit)

        return await self._database.read(work)

    async def erase_records(self, session_id: str, *, final: bool) -> None:
        """See ErasureStore."""

        def work(connection: sqlite3.Connection) -> None:
            of_messages = "WHERE message_id IN (SELECT message_id FROM messages WHERE session_id = ?)"
            connection.execute(f"DELETE FROM responses {of_messages}", (session_id,))
            connection.execute(f"DELETE FROM turn_items {of_messages}", (session_id,))
            connection.execute("DELETE FROM messages WHERE session_id = ?", (session_id,))
            # The last event, session_deleted, stays with the tombstone for relays that missed it.
            connection.execute(
                "DELETE FROM events WHERE session_id = ? "
                "AND seq < (SELECT last_seq FROM sessions WHERE session_id = ?)",
                (session_id, session_id),
            )
            connection.execute(
                "UPDATE sessions SET erased = max(erased, ?) WHERE session_id = ?", (2 if final else 1, session_id)
            )
            if final:
                # User text, which named the memory until now.
                connection.execute(
                    "UPDATE sessions SET node_id = NULL, openai_session_key = '' "
                    "WHERE session_id = ? AND deleted_at IS NOT NULL",
                    (session_id,),
                )

        await self._database.transaction(work)
        await self._database.truncate_wal()

    async def remove_tombstones(self, deleted_before: datetime) -> None:
        """See ErasureStore."""

        def work(connection: sqlite3.Connection) -> None:
            old = "SELECT session_id FROM sessions WHERE erased = 2 AND deleted_at <= ?"
            connection.execute(f"DELETE FROM events WHERE session_id IN ({old})", (to_iso(deleted_before),))
            connection.execute(f"DELETE FROM sessions WHERE session_id IN ({old})", (to_iso(deleted_before),))

        await self._database.transaction(work)

    async def erase_deleted_projects(self) -> None:
        """See ErasureStore."""

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM projects WHERE deleted = 1 AND NOT EXISTS "
                "(SELECT 1 FROM sessions s WHERE s.project_id = projects.project_id AND s.deleted_at IS NULL)"
            ).rowcount

        if await self._database.transaction(work):
            await self._database.truncate_wal()
