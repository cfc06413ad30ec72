"""The TurnStore on the local engine's SQLite file. Every write of a turn is fenced by its attempt."""

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TypeVar

from backend.app.adapters.local.event_log import append_event
from backend.app.adapters.local.sqlite.database import LocalDatabase
from backend.app.adapters.local.sqlite.due_turns import count_running, list_due_sessions, note_rescue
from backend.app.adapters.local.sqlite.messages import ACTIVE_MESSAGE, end_message, find_active_message
from backend.app.adapters.local.sqlite.rows import ADD_USAGE, message_of
from backend.app.adapters.local.sqlite.turn_completion import complete_turn
from backend.app.adapters.local.sqlite.turn_fence import own_message
from backend.app.adapters.stored_response import stored_response
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.messages.message import (
    CompletedTurn,
    Item,
    Message,
    MessageError,
    MessageStatus,
    ModelResponse,
    TurnAnswer,
    TurnRef,
)
from backend.app.domain.projects.project import CodeVersion
from backend.app.domain.turns.ports import ClaimResult, HeartbeatResult
from backend.app.domain.turns.rescue import start_due_at
from shared.events import LoggedBase, TokenUsageEvent, VibecodeResponseEvent

AnyLogged = TypeVar("AnyLogged", bound=LoggedBase)


class LocalTurnStore:
    """The TurnStore of the local engine."""

    def __init__(self, database: LocalDatabase) -> None:
        self._database = database

    async def find_open_message(self, session_id: str) -> Message | None:
        """See TurnStore."""

        def work(connection: sqlite3.Connection) -> Message | None:
            row = connection.execute(
                f"{ACTIVE_MESSAGE} WHERE m.session_id = ? AND m.status IN ('queued', 'running') "
                "ORDER BY m.number LIMIT 1",
                (session_id,),
            ).fetchone()
            return None if row is None else message_of(row)

        return await self._database.read(work)

    async def is_open(self, message_id: str) -> bool:
        """See TurnStore."""
        message = await self._database.read(lambda connection: find_active_message(connection, message_id))
        return message is not None and message.status.is_open

    def list_due_sessions(self, now: datetime) -> AsyncIterator[str]:
        """See TurnStore."""
        return list_due_sessions(self._database, now)

    async def count_running(self, now: datetime, limit: int) -> int:
        """See TurnStore."""
        return await count_running(self._database, now, limit)

    async def note_rescue(self, message: Message, due_at: datetime) -> bool:
        """See TurnStore."""
        return await note_rescue(self._database, message, due_at)

    async def claim_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[ClaimResult, Message | None]:
        """See TurnStore."""

        def work(connection: sqlite3.Connection) -> tuple[ClaimResult, Message | None]:
            message = find_active_message(connection, message_id)
            if message is None or not message.status.is_open:
                return ClaimResult.NOT_OPEN, message
            # A lease that ends later than a new one would was written before the clock went back.
            if message.lease_until is not None and now < message.lease_until <= lease_until:
                return ClaimResult.HELD, message
            if message.attempt >= max_attempts:
                return ClaimResult.ATTEMPTS_SPENT, message
            row = connection.execute(
                "UPDATE messages SET status = 'running', attempt = attempt + 1, lease_until = ?, due_at = ?, "
                "rescues = 0 WHERE message_id = ? RETURNING *",
                (to_iso(lease_until), to_iso(lease_until), message_id),
            ).fetchone()
            return ClaimResult.CLAIMED, message_of(row)

        return await self._database.transaction(work)

    async def heartbeat(self, turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
        """See TurnStore."""

        def look(connection: sqlite3.Connection) -> HeartbeatResult:
            return HeartbeatResult(own_message(connection, turn).cancel_requested)

        def extend(connection: sqlite3.Connection) -> HeartbeatResult:
            signal = look(connection)
            if lease_until is not None:
                _set_lease(connection, turn, lease_until, due_at=lease_until)
            return signal

        return await (self._database.read(look) if lease_until is None else self._database.transaction(extend))

    async def release_lease(self, turn: TurnRef, now: datetime, retry_at: datetime | None = None) -> None:
        """See TurnStore."""

        def work(connection: sqlite3.Connection) -> None:
            own_message(connection, turn)
            _set_lease(connection, turn, now, due_at=start_due_at(retry_at or now))

        await self._database.transaction(work)

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """See TurnStore."""
        usage = response.usage.model_dump()
        row = {"message_id": response.message_id, "body": response.body, **stored_response(response)}

        def work(connection: sqlite3.Connection) -> TokenUsageEvent:
            own_message(connection, turn)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(f"INSERT INTO responses ({', '.join(row)}) VALUES ({values})", row)
            connection.execute(
                f"UPDATE messages SET model = :model, {ADD_USAGE} WHERE message_id = :message_id",
                {**usage, "model": response.model, "message_id": turn.message_id},
            )
            return append_event(connection, event)

        return await self._database.transaction(work)

    async def append_event(
        self,
        turn: TurnRef,
        event: AnyLogged,
        last_seq: int | None = None,  # noqa: ARG002 - the counter is read in the transaction
    ) -> AnyLogged:
        """See TurnStore."""

        def work(connection: sqlite3.Connection) -> AnyLogged:
            own_message(connection, turn)
            return append_event(connection, event)

        return await self._database.transaction(work)

    async def store_items(self, turn: TurnRef, items: Sequence[Item]) -> None:
        """See TurnStore."""
        text = json.dumps(list(items))

        def work(connection: sqlite3.Connection) -> None:
            own_message(connection, turn)
            connection.execute(
                "INSERT OR REPLACE INTO turn_items (message_id, attempt, items) VALUES (?, ?, ?)",
                (turn.message_id, turn.attempt, text),
            )

        await self._database.transaction(work)

    async def complete_turn(
        self, turn: TurnRef, answer: TurnAnswer, version: CodeVersion | None, event: VibecodeResponseEvent
    ) -> VibecodeResponseEvent:
        """See TurnStore."""

        return await self._database.transaction(
            lambda connection: complete_turn(connection, turn, answer, version, event)
        )

    async def end_turn(
        self, turn: TurnRef, status: MessageStatus, error: MessageError, iterations: int, event: AnyLogged
    ) -> AnyLogged:
        """See TurnStore."""

        def work(connection: sqlite3.Connection) -> AnyLogged:
            message = own_message(connection, turn)
            connection.execute("UPDATE messages SET iterations = ? WHERE message_id = ?", (iterations, turn.message_id))
            end_message(connection, message, status, error, event.created_at, attempt=turn.attempt)
            return append_event(connection, event.model_copy(update={"token_usage": message.token_usage}))

        return await self._database.transaction(work)

    async def list_completed_turns(self, session_id: str, after: int, limit: int) -> Sequence[CompletedTurn]:
        """See TurnStore."""

        def work(connection: sqlite3.Connection) -> list[CompletedTurn]:
            rows = connection.execute(
                "SELECT m.number, m.message_id, i.items FROM messages m "
                "JOIN sessions s ON s.session_id = m.session_id AND s.deleted_at IS NULL "
                "LEFT JOIN turn_items i ON i.message_id = m.message_id AND i.attempt = m.attempt "
                "WHERE m.session_id = ? AND m.status = 'completed' AND m.number > ? ORDER BY m.number LIMIT ?",
                (session_id, after, limit),
            )
            return [
                CompletedTurn(row["number"], row["message_id"], tuple(json.loads(row["items"] or "[]"))) for row in rows
            ]

        return await self._database.read(work)


def _set_lease(connection: sqlite3.Connection, turn: TurnRef, until: datetime, *, due_at: datetime) -> None:
    connection.execute(
        "UPDATE messages SET lease_until = ?, due_at = ? WHERE message_id = ?",
        (to_iso(until), to_iso(due_at), turn.message_id),
    )
