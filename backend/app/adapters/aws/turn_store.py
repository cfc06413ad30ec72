"""Messages in the DynamoDB table, as the worker sees them: every write is fenced by its attempt."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.app.adapters.aws.event_writer import AnyLogged, AwsEventWriter, SessionDeletedError
from backend.app.adapters.aws.items.completed_turns import item_writes, read_completed_turns
from backend.app.adapters.aws.items.due_turns import count_running, list_due_sessions, note_rescue
from backend.app.adapters.aws.items.messages import FREE, ending_attributes, find_active_item, read_messages
from backend.app.adapters.aws.items.open_messages import DUE, due_attributes, ending_writes
from backend.app.adapters.aws.items.responses import response_writes
from backend.app.adapters.aws.items.sessions import ADD_USAGE, usage_of, usage_values
from backend.app.adapters.aws.items.turn_completion import completion_writes, find_completion, require_base
from backend.app.adapters.aws.items.turn_fence import own_check, own_update, require_own
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.errors import TurnCancelRequestedError, TurnFencedError
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
from shared.aws_item import Item as TableItem
from shared.aws_item import Write, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.events import TokenUsageEvent, VibecodeResponseEvent
from shared.table_keys import (
    DUE_RUNNING,
    message_key,
    session_key,
)

# Between the two reads of a look the message may have ended; not again and again.
_LOOKS = 12
_LEASE = "#lease_until = :lease, #due_kind = :due, #due_at = :lease"


class AwsTurnStore:
    """The TurnStore of AWS."""

    def __init__(self, table: AwsTable, writer: AwsEventWriter) -> None:
        self._table = table
        self._writer = writer

    async def find_open_message(self, session_id: str) -> Message | None:
        """See TurnStore."""
        for attempt in range(_LOOKS):
            session = await self._table.get(session_key(session_id))
            if session is None or "deleted_at" in session or not session.get("open_numbers"):
                return None
            item = await self._table.get(message_key(session_id, min(session["open_numbers"])))
            if item is not None and MessageStatus(item["status"]).is_open:
                (message,) = await read_messages(self._table, [item])
                return message
            # It ended between the two reads.
            await pause(attempt)
        raise RuntimeError(f"Session {session_id} counts a message as open that is not")

    async def is_open(self, message_id: str) -> bool:
        """See TurnStore."""
        item = await find_active_item(self._table, message_id)
        return item is not None and MessageStatus(item["status"]).is_open

    def list_due_sessions(self, now: datetime) -> AsyncIterator[str]:
        """See TurnStore."""
        return list_due_sessions(self._table, now)

    async def count_running(self, now: datetime, limit: int) -> int:
        """See TurnStore."""
        return await count_running(self._table, now, limit)

    async def note_rescue(self, message: Message, due_at: datetime) -> bool:
        """See TurnStore."""
        return await note_rescue(self._table, message, due_at)

    async def claim_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[ClaimResult, Message | None]:
        """See TurnStore."""
        attempt = 0
        while True:
            item = await find_active_item(self._table, message_id)
            if item is None:
                return ClaimResult.NOT_OPEN, None
            (message,) = await read_messages(self._table, [item])
            if not message.status.is_open:
                return ClaimResult.NOT_OPEN, message
            if message.lease_until is not None and message.lease_until > now:
                return ClaimResult.HELD, message
            if message.attempt >= max_attempts:
                return ClaimResult.ATTEMPTS_SPENT, message
            try:
                await self._take(message, now, lease_until)
            except ConditionFailedError:
                # Another worker was quicker, or it was cancelled.
                await pause(attempt)
                attempt += 1
            else:
                return ClaimResult.CLAIMED, replace(
                    message,
                    status=MessageStatus.RUNNING,
                    attempt=message.attempt + 1,
                    lease_until=lease_until,
                    due_at=lease_until,
                    rescues=0,
                )

    async def heartbeat(self, turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
        """See TurnStore."""
        item = await self._own_item(turn)
        if lease_until is not None:
            await self._write(message=own_update(turn, f"SET {_LEASE}", **_lease(lease_until)))
        return HeartbeatResult(item.get("cancel_requested", False))

    async def release_lease(self, turn: TurnRef, now: datetime, retry_at: datetime | None = None) -> None:
        """See TurnStore."""
        due = due_attributes(start_due_at(retry_at or now))
        await self._write(message=own_update(turn, f"SET #lease_until = :now, {DUE}", now=to_iso(now), **due))

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """See TurnStore."""
        counts: dict[str, Any] = usage_values(response.usage)
        counted = own_update(turn, f"SET #model = :model {ADD_USAGE}", **counts, model=response.model)
        stored = await response_writes(self._table, turn, response)
        return await self._log(event, {"message": counted, "response": stored})

    async def append_event(self, turn: TurnRef, event: AnyLogged, last_seq: int | None = None) -> AnyLogged:
        """See TurnStore."""
        if last_seq is not None:
            self._writer.learn(event.session_id, last_seq)
        return await self._log(event, {"message": own_check(turn)})

    async def store_items(self, turn: TurnRef, items: Sequence[Item]) -> None:
        """See TurnStore."""
        pointer, writes = await item_writes(self._table, turn, items)
        noted = own_update(turn, "SET #items_name = :items_name, #items_parts = :items_parts", **pointer)
        await self._write(message=noted, items=writes)

    async def complete_turn(
        self, turn: TurnRef, answer: TurnAnswer, version: CodeVersion | None, event: VibecodeResponseEvent
    ) -> VibecodeResponseEvent:
        """See TurnStore."""
        attempt = 0
        while True:
            message, session = await self._message_and_session(turn)
            if _is_completed_by(turn, message) and (completed := await find_completion(self._table, turn)) is not None:
                return completed
            message = require_own(turn, message)
            if message.get("cancel_requested"):
                raise TurnCancelRequestedError
            if attempt:
                await require_base(self._table, turn, version)
            counted = event.model_copy(update={"token_usage": usage_of(message)})
            try:
                writes = await completion_writes(self._table, session, turn, answer, version, counted)
                return await self._writer.log(counted, writes)
            except SessionDeletedError as error:
                raise TurnFencedError("the session was deleted") from error
            except ConditionFailedError:
                # Why, is told by what is read next.
                await pause(attempt)
                attempt += 1

    async def end_turn(
        self, turn: TurnRef, status: MessageStatus, error: MessageError, iterations: int, event: AnyLogged
    ) -> AnyLogged:
        """See TurnStore."""
        change, values = ending_attributes(status, error, event.created_at, attempt=turn.attempt)
        ended = own_update(
            turn, change.replace("SET ", "SET #iterations = :iterations, "), iterations=iterations, **values
        )
        attempt = 0
        while True:
            message, session = await self._message_and_session(turn)
            usage = usage_of(require_own(turn, message))
            others = ending_writes(session, turn.session_id, turn.number, event.created_at, usage)
            try:
                return await self._writer.log(
                    event.model_copy(update={"token_usage": usage}), {"message": ended, **others}
                )
            except SessionDeletedError as gone:
                raise TurnFencedError("the session was deleted") from gone
            except ConditionFailedError:
                # The next read shows why: this turn may be another's, or its session's open messages changed.
                await pause(attempt)
                attempt += 1

    async def list_completed_turns(self, session_id: str, after: int, limit: int) -> Sequence[CompletedTurn]:
        """See TurnStore."""
        return await read_completed_turns(self._table, session_id, after, limit)

    async def _take(self, message: Message, now: datetime, lease_until: datetime) -> None:
        taken = update(
            message_key(message.session_id, message.number),
            f"SET {_LEASE}, #status = :running, #attempt = :attempt REMOVE #rescues, #items_name, #items_parts",
            FREE,
            **_lease(lease_until),
            running=MessageStatus.RUNNING,
            attempt=message.attempt + 1,
            before=message.attempt,
            open=message.status,
            now=to_iso(now),
        )
        await self._table.write(message=taken)

    async def _message_and_session(self, turn: TurnRef) -> tuple[TableItem | None, TableItem]:
        message, session = await asyncio.gather(
            self._table.get(message_key(turn.session_id, turn.number)), self._table.get(session_key(turn.session_id))
        )
        if session is None or "deleted_at" in session:
            raise TurnFencedError("the session was deleted")
        return message, session

    async def _own_item(self, turn: TurnRef) -> TableItem:
        return require_own(turn, await self._table.get(message_key(turn.session_id, turn.number)))

    async def _write(self, **writes: Write | Sequence[Write]) -> None:
        try:
            await self._table.write(**writes)
        except ConditionFailedError as error:
            raise TurnFencedError("another attempt began, or the message ended") from error

    async def _log(self, event: AnyLogged, writes: Mapping[str, Write | Sequence[Write]]) -> AnyLogged:
        try:
            return await self._writer.log(event, writes)
        except SessionDeletedError as error:
            raise TurnFencedError("the session was deleted") from error
        except ConditionFailedError as error:
            raise TurnFencedError("another attempt began, or the message ended") from error


def _lease(until: datetime) -> dict[str, str]:
    return {"lease": to_iso(until), "due": DUE_RUNNING}


def _is_completed_by(turn: TurnRef, message: TableItem | None) -> bool:
    return message is not None and message["status"] == MessageStatus.COMPLETED and message["attempt"] == turn.attempt
