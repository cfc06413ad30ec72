"""Recovers the open turns of a stopped or killed process."""

import sqlite3

from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.local.sqlite.messages import make_first_due
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.ports import Clock
from backend.app.domain.turns.rescue import start_due_at


async def recover_turns(database: LocalDatabase, clock: Clock) -> int:
    """Expire all leases, make all notifications visible, and enqueue one for each open message that has none.

    Only for a process that has exclusive access to the file: no worker can hold a lease then. Returns the number of
    open messages. Safe to repeat.
    """
    now = clock.now()

    def work(connection: sqlite3.Connection) -> int:
        connection.execute(
            "UPDATE messages SET lease_until = ?, due_at = ? WHERE status = 'running'",
            (to_iso(now), to_iso(start_due_at(now))),
        )
        for row in connection.execute("SELECT DISTINCT session_id FROM messages WHERE status = 'queued'").fetchall():
            make_first_due(connection, row["session_id"], now)
        connection.execute("UPDATE notifications SET visible_at = 0, receipt_handle = NULL")
        connection.execute(
            "INSERT INTO notifications (session_id, message_id, visible_at, group_id) "
            "SELECT session_id, message_id, 0, session_id FROM messages m WHERE status IN ('queued', 'running') "
            "AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.message_id = m.message_id) "
            "ORDER BY session_id, number"
        )
        row = connection.execute("SELECT count(*) AS n FROM messages WHERE status IN ('queued', 'running')").fetchone()
        return int(row["n"])

    return await database.transaction(work)
