"""The versions of a project's code in the local engine's SQLite file."""

import sqlite3

from backend.app.adapters.cursors import cursor_of
from backend.app.adapters.local.sqlite.rows import workflow_in, workflow_to_text
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.page import Page
from backend.app.domain.projects.project import CodeVersion, VersionEntry


def add_code_version(connection: sqlite3.Connection, version: CodeVersion) -> None:
    """Within a transaction: store a code version and make it the current one."""
    connection.execute(
        "INSERT INTO code_versions (project_id, version, code, nodes, message_id, commit_message, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            version.project_id,
            version.version,
            version.code,
            workflow_to_text(version),
            version.message_id,
            version.commit_message,
            to_iso(version.created_at),
        ),
    )
    connection.execute(
        "UPDATE projects SET version = ?, updated_at = ? WHERE project_id = ?",
        (version.version, to_iso(version.created_at), version.project_id),
    )


def find_code_version(connection: sqlite3.Connection, project_id: str, version: int) -> CodeVersion | None:
    """See ProjectStore."""
    row = connection.execute(
        "SELECT * FROM code_versions WHERE project_id = ? AND version = ?", (project_id, version)
    ).fetchone()
    if row is None:
        return None
    workflow = workflow_in(row["nodes"])
    return CodeVersion(
        project_id,
        row["version"],
        row["code"],
        workflow.nodes,
        row["message_id"],
        row["commit_message"],
        from_iso(row["created_at"]),
        workflow.truncated,
    )


def list_code_versions(connection: sqlite3.Connection, project_id: str, limit: int, before: int) -> Page[VersionEntry]:
    """See ProjectStore; only versions below `before`."""
    rows = connection.execute(
        "SELECT version, message_id, commit_message, created_at FROM code_versions "
        "WHERE project_id = ? AND version < ? ORDER BY version DESC LIMIT ?",
        (project_id, before, limit + 1),
    ).fetchall()
    entries = tuple(
        VersionEntry(row["version"], row["message_id"], row["commit_message"], from_iso(row["created_at"]))
        for row in rows[:limit]
    )
    return Page(entries, tuple(cursor_of(one.version) for one in entries), len(rows) > limit)
