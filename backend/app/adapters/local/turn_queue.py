"""The turn queue in the local engine's SQLite file: durable, and one notification at a time per session."""

import asyncio
import json
import sqlite3
from dataclasses import dataclass

from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.domain.ports import Clock, IdGenerator, TurnNotification

# Receivers poll this often for notifications of other processes, and for those that became visible again.
_POLL_SECONDS = 0.5
# If more of a visibility timeout remains than was set, the clock was set back: then the notification counts as visible,
# unless this process is handling it, whose next heartbeat hides it by the new time.
_VISIBLE = """
(visible_at <= :now OR (visible_at > :now + hidden_seconds
    AND coalesce(receipt_handle, '') NOT IN (SELECT value FROM json_each(:held))))
"""


@dataclass(frozen=True, slots=True)
class ReceivedNotification:
    """A received notification, and the receipt handle to extend, requeue or acknowledge it."""

    notification: TurnNotification
    receipt_handle: str


class LocalTurnQueue:
    """The TurnQueue of the local engine, and its receiving side. Behaves as an SQS FIFO queue grouped by session,
    in which each rescue is a group of its own.
    """

    def __init__(self, database: LocalDatabase, clock: Clock, ids: IdGenerator) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._changed = asyncio.Event()
        # The receipt handles that this process has neither acknowledged nor requeued.
        self._held: set[str] = set()

    async def enqueue(self, notification: TurnNotification) -> None:
        """See TurnQueue."""
        group_id = self._ids.new_id() if notification.is_rescue else notification.session_id
        # Visible at any time of the clock, which may be set back.
        row = (notification.session_id, notification.message_id, 0.0, group_id)
        await self._database.transaction(
            lambda connection: connection.execute(
                "INSERT INTO notifications (session_id, message_id, visible_at, group_id) VALUES (?, ?, ?, ?)", row
            )
        )
        self._changed.set()

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        """See TurnQueue."""
        visible_at = self._clock.now().timestamp() + seconds
        await self._database.transaction(
            lambda connection: connection.execute(
                "UPDATE notifications SET visible_at = ?, hidden_seconds = ? WHERE receipt_handle = ?",
                (visible_at, seconds, receipt_handle),
            )
        )

    async def receive(self, visibility_seconds: float) -> ReceivedNotification:
        """Wait for a notification and hide it, and the others of its group, for the visibility timeout."""
        while True:
            self._changed.clear()
            received = await self._claim_visible(visibility_seconds)
            if received is not None:
                return received
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def acknowledge(self, receipt_handle: str) -> None:
        """Delete a received notification. A stale receipt handle is ignored."""
        self._held.discard(receipt_handle)
        await self._database.transaction(
            lambda connection: connection.execute(
                "DELETE FROM notifications WHERE receipt_handle = ?", (receipt_handle,)
            )
        )
        self._changed.set()  # the session's next notification may be visible now

    async def requeue(self, receipt_handle: str, seconds: float) -> None:
        """Make a received notification visible again in so many seconds. A stale receipt handle is ignored."""
        self._held.discard(receipt_handle)
        await self.extend(receipt_handle, seconds)
        self._changed.set()

    async def _claim_visible(self, visibility_seconds: float) -> ReceivedNotification | None:
        now = self._clock.now().timestamp()
        receipt_handle = self._ids.new_id()
        held = json.dumps(list(self._held))

        def look(connection: sqlite3.Connection) -> sqlite3.Row | None:
            row: sqlite3.Row | None = connection.execute(
                f"SELECT id, session_id, message_id, group_id FROM notifications d WHERE {_VISIBLE} AND NOT EXISTS "
                "(SELECT 1 FROM notifications e WHERE e.group_id = d.group_id AND e.id < d.id) ORDER BY id LIMIT 1",
                {"now": now, "held": held},
            ).fetchone()
            return row

        def take(connection: sqlite3.Connection) -> sqlite3.Row | None:
            row = look(connection)
            if row is not None:
                connection.execute(
                    "UPDATE notifications SET visible_at = ?, hidden_seconds = ?, receipt_handle = ? WHERE id = ?",
                    (now + visibility_seconds, visibility_seconds, receipt_handle, row["id"]),
                )
            return row

        # Idle workers only read; the write lock is taken when a notification is visible.
        if await self._database.read(look) is None:
            return None
        row = await self._database.transaction(take)
        if row is None:
            return None
        self._held.add(receipt_handle)
        is_rescue = row["group_id"] != row["session_id"]
        return ReceivedNotification(TurnNotification(row["session_id"], row["message_id"], is_rescue), receipt_handle)
