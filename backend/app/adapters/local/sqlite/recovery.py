"""What a stopped or killed process left behind, made ready for the next one."""

import sqlite3

from backend.app.adapters.local.message_store import make_first_due
from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.ports import Clock
from backend.app.domain.turns.rescue import start_due_at


async def recover_turns(database: LocalDatabase, clock: Clock) -> int:
    """Let go of all leases and notifications, and ring for every open message that has no notification.

    Only for a process that knows itself to be alone on the file: nobody can be holding any of them then, so nobody need
    wait for them to run out. Returns how many open messages there are. Safe to repeat.
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
