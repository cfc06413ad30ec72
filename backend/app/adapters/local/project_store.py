"""The ProjectStore on the local engine's SQLite file."""

import sqlite3
from datetime import datetime

from backend.app.adapters.cursors import cursor_of, id_of, number_of
from backend.app.adapters.local.sqlite.code_versions import add_code_version, find_code_version, list_code_versions
from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.local.sqlite.rows import workflow_in
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.errors import StaleVersionError
from backend.app.domain.page import Page
from backend.app.domain.projects.project import (
    CodeVersion,
    Project,
    ProjectChange,
    ProjectEntry,
    VersionEntry,
    first_version,
)
from shared.access import ProjectAccess

_PROJECT = """
    SELECT p.*, v.code, v.nodes FROM projects p
    JOIN code_versions v ON v.project_id = p.project_id AND v.version = p.version
    WHERE p.deleted = 0
"""


class LocalProjectStore:
    """The ProjectStore and the AccessReader of the local engine."""

    def __init__(self, database: LocalDatabase) -> None:
        self._database = database

    async def create_project(self, project: Project) -> None:
        """See ProjectStore."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO projects (project_id, name, owner, version, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    project.project_id,
                    project.name,
                    project.owner,
                    project.version,
                    to_iso(project.created_at),
                    to_iso(project.updated_at),
                ),
            )
            _set_users(connection, project.project_id, project.owner, project.members)
            add_code_version(connection, first_version(project))

        await self._database.transaction(work)

    async def find_project(self, project_id: str) -> Project | None:
        """See ProjectStore."""
        return await self._database.read(lambda connection: _find_project(connection, project_id))

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """See AccessReader."""

        def work(connection: sqlite3.Connection) -> ProjectAccess | None:
            row = connection.execute(
                "SELECT owner FROM projects WHERE project_id = ? AND deleted = 0", (project_id,)
            ).fetchone()
            if row is None:
                return None
            return ProjectAccess(project_id, row["owner"], _members(connection, project_id))

        return await self._database.read(work)

    async def find_code_version(self, project_id: str, version: int) -> CodeVersion | None:
        """See ProjectStore."""

        return await self._database.read(lambda connection: find_code_version(connection, project_id, version))

    async def list_projects(self, user_id: str, limit: int, cursor: str | None) -> Page[ProjectEntry]:
        """See ProjectStore."""
        before = "~" if cursor is None else id_of(cursor)  # ids grow with time; '~' sorts after all of them

        def work(connection: sqlite3.Connection) -> Page[ProjectEntry]:
            rows = connection.execute(
                "SELECT p.* FROM project_users u JOIN projects p ON p.project_id = u.project_id "
                "WHERE u.user_id = ? AND p.deleted = 0 AND u.project_id < ? ORDER BY u.project_id DESC LIMIT ?",
                (user_id, before, limit + 1),
            ).fetchall()
            entries = tuple(_entry_of(connection, row) for row in rows[:limit])
            return Page(entries, tuple(cursor_of(one.project_id) for one in entries), len(rows) > limit)

        return await self._database.read(work)

    async def list_code_versions(self, project_id: str, limit: int, cursor: str | None) -> Page[VersionEntry]:
        """See ProjectStore."""
        before = 2**62 if cursor is None else number_of(cursor)
        return await self._database.read(lambda connection: list_code_versions(connection, project_id, limit, before))

    async def update_project(self, project_id: str, change: ProjectChange, now: datetime) -> Project | None:
        """See ProjectStore."""

        def work(connection: sqlite3.Connection) -> Project | None:
            project = _find_project(connection, project_id)
            if project is None:
                return None
            if change.code is not None:
                if change.code.version != project.version + 1:
                    raise StaleVersionError(
                        f"The code is at version {project.version}, not {change.code.version - 1}: read it again."
                    )
                add_code_version(connection, change.code)
            if change.name is not None:
                connection.execute("UPDATE projects SET name = ? WHERE project_id = ?", (change.name, project_id))
            members = change.members_after(project.members)
            if members is not None:
                _set_users(connection, project_id, project.owner, members)
            connection.execute("UPDATE projects SET updated_at = ? WHERE project_id = ?", (to_iso(now), project_id))
            return _find_project(connection, project_id)

        return await self._database.transaction(work)

    async def delete_project(self, project_id: str) -> bool:
        """See ProjectStore."""

        def work(connection: sqlite3.Connection) -> bool:
            deleted = connection.execute(
                "UPDATE projects SET deleted = 1, name = '' WHERE project_id = ? AND deleted = 0",
                (project_id,),
            ).rowcount
            connection.execute("DELETE FROM project_users WHERE project_id = ?", (project_id,))
            connection.execute("DELETE FROM code_versions WHERE project_id = ?", (project_id,))
            return bool(deleted)

        deleted = await self._database.transaction(work)
        await self._database.truncate_wal()
        return deleted


def _find_project(connection: sqlite3.Connection, project_id: str) -> Project | None:
    row = connection.execute(f"{_PROJECT} AND p.project_id = ?", (project_id,)).fetchone()
    return None if row is None else _project_of(connection, row)


def _entry_of(connection: sqlite3.Connection, row: sqlite3.Row) -> ProjectEntry:
    return ProjectEntry(
        project_id=row["project_id"],
        name=row["name"],
        owner=row["owner"],
        members=_members(connection, row["project_id"]),
        version=row["version"],
        created_at=from_iso(row["created_at"]),
        updated_at=from_iso(row["updated_at"]),
    )


def _project_of(connection: sqlite3.Connection, row: sqlite3.Row) -> Project:
    workflow = workflow_in(row["nodes"])
    return Project(
        project_id=row["project_id"],
        name=row["name"],
        owner=row["owner"],
        members=_members(connection, row["project_id"]),
        code=row["code"],
        version=row["version"],
        nodes=workflow.nodes,
        created_at=from_iso(row["created_at"]),
        updated_at=from_iso(row["updated_at"]),
        nodes_truncated=workflow.truncated,
    )


def _members(connection: sqlite3.Connection, project_id: str) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT user_id FROM project_users WHERE project_id = ? AND position > 0 ORDER BY position",
        (project_id,),
    )
    return tuple(row["user_id"] for row in rows)


def _set_users(connection: sqlite3.Connection, project_id: str, owner: str, members: tuple[str, ...]) -> None:
    connection.execute("DELETE FROM project_users WHERE project_id = ?", (project_id,))
    connection.executemany(
        "INSERT INTO project_users (user_id, project_id, position) VALUES (?, ?, ?)",
        [(user_id, project_id, position) for position, user_id in enumerate((owner, *members))],
    )
