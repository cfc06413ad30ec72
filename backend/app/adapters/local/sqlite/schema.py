"""The tables of the local engine's store, and the columns that a store of an older version lacks."""

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (
    project_id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, version INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS project_users (
    user_id TEXT NOT NULL, project_id TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (user_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS users_of_project ON project_users (project_id);
CREATE TABLE IF NOT EXISTS code_versions (
    project_id TEXT NOT NULL, version INTEGER NOT NULL, code TEXT NOT NULL, nodes TEXT NOT NULL,
    message_id TEXT, commit_message TEXT NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (project_id, version)
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, node_id TEXT, openai_session_key TEXT NOT NULL,
    created_at TEXT NOT NULL, message_count INTEGER NOT NULL DEFAULT 0, completed_number INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0, total_tokens INTEGER NOT NULL DEFAULT 0,
    deleted_at TEXT, erased INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS live_session_of_key ON sessions (openai_session_key) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS sessions_of_project ON sessions (project_id);
CREATE INDEX IF NOT EXISTS sessions_to_erase ON sessions (deleted_at) WHERE deleted_at IS NOT NULL AND erased < 2;
CREATE TABLE IF NOT EXISTS messages (
    message_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, project_id TEXT NOT NULL, number INTEGER NOT NULL,
    prompt TEXT NOT NULL, status TEXT NOT NULL, content TEXT, patch TEXT, base_version INTEGER, version INTEGER,
    prompt_tokens INTEGER NOT NULL DEFAULT 0, completion_tokens INTEGER NOT NULL DEFAULT 0,
    total_tokens INTEGER NOT NULL DEFAULT 0, model TEXT, iterations INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0, error_code TEXT, error_detail TEXT, created_at TEXT NOT NULL,
    completed_at TEXT, lease_until TEXT, cancel_requested INTEGER NOT NULL DEFAULT 0,
    due_at TEXT, rescues INTEGER NOT NULL DEFAULT 0,
    UNIQUE (session_id, number)
) STRICT;
CREATE INDEX IF NOT EXISTS open_messages ON messages (session_id, number) WHERE status IN ('queued', 'running');
CREATE INDEX IF NOT EXISTS cancelled_messages ON messages (session_id, completed_at) WHERE status = 'cancelled';
CREATE TABLE IF NOT EXISTS responses (
    message_id TEXT NOT NULL, attempt INTEGER NOT NULL, call INTEGER NOT NULL, agent TEXT NOT NULL,
    iteration INTEGER NOT NULL, response_id TEXT NOT NULL, model TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (message_id, attempt, call)
) STRICT;
CREATE TABLE IF NOT EXISTS turn_items (
    message_id TEXT NOT NULL, attempt INTEGER NOT NULL, items TEXT NOT NULL, PRIMARY KEY (message_id, attempt)
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    session_id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, expires_at TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_expiry ON events (expires_at);
CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, message_id TEXT NOT NULL,
    visible_at REAL NOT NULL, receipt_handle TEXT, hidden_seconds REAL NOT NULL DEFAULT 0,
    group_id TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notifications_of_group ON notifications (group_id, id);
"""
# Columns that older stores lack: table, column and declaration. `CREATE TABLE IF NOT EXISTS` adds no columns.
_ADDED_COLUMNS: tuple[tuple[str, str, str], ...] = (
    *(
        (table, column, "INTEGER NOT NULL DEFAULT 0")
        for table in ("sessions", "messages", "responses")
        for column in ("cached_tokens", "reasoning_tokens")
    ),
    ("messages", "due_at", "TEXT"),
    ("messages", "rescues", "INTEGER NOT NULL DEFAULT 0"),
)
# Indexes on those columns.
_AFTER_ADDED_COLUMNS = """
CREATE INDEX IF NOT EXISTS due_messages ON messages (due_at, message_id) WHERE due_at IS NOT NULL;
"""


def create_schema(connection: sqlite3.Connection) -> None:
    """Create missing tables, columns and indexes. Safe to repeat."""
    connection.executescript(_SCHEMA)
    for table, added, declaration in _ADDED_COLUMNS:
        if added not in {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {added} {declaration}")
    connection.executescript(_AFTER_ADDED_COLUMNS)
