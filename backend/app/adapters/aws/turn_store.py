"""The TurnStore on the DynamoDB table. Every write of a turn is fenced by its attempt."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from backend.app.adapters.aws.event_writer import AnyLogged, AwsEventWriter, SessionDeletedError
from backend.app.adapters.aws.items.completed_turns import item_writes, read_completed_turns
from backend.app.adapters.aws.items.due_turns import count_running, list_due_sessions, note_rescue
from backend.app.adapters.aws.items.messages import ending_change, find_active_item, read_messages
from backend.app.adapters.aws.items.open_messages import due_attributes, ending_writes
from backend.app.adapters.aws.items.responses import response_writes
from backend.app.adapters.aws.items.sessions import usage_of
from backend.app.adapters.aws.items.turn_claim import claim_turn, lease_attributes
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
from shared.aws_item import Change, Write
from shared.aws_item import Item as TableItem
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.events import TokenUsageEvent, VibecodeResponseEvent
from shared.table_keys import message_key, session_key

# The message may end between the read of its session and its own, but not so many times in a row.
_READS = 12


class AwsTurnStore:
    """The TurnStore of AWS."""

    def __init__(self, table: AwsTable, writer: AwsEventWriter) -> None:
        self._table = table
        self._writer = writer

    async def find_open_message(self, session_id: str) -> Message | None:
        """See TurnStore."""
        for attempt in range(_READS):
            session = await self._table.get(session_key(session_id))
            if session is None or "deleted_at" in session or not session.get("open_numbers"):
                return None
            item = await self._table.get(message_key(session_id, min(session["open_numbers"])))
            if item is not None and MessageStatus(item["status"]).is_open:
                (message,) = await read_messages(self._table, [item])
                return message
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
        return await claim_turn(self._table, message_id, now, lease_until, max_attempts)

    async def heartbeat(self, turn: TurnRef, lease_until: datetime | None) -> HeartbeatResult:
        """See TurnStore."""
        item = await self._own_item(turn)
        if lease_until is not None:
            await self._write(message=own_update(turn, Change(lease_attributes(lease_until))))
        return HeartbeatResult(item.get("cancel_requested", False))

    async def release_lease(self, turn: TurnRef, now: datetime, retry_at: datetime | None = None) -> None:
        """See TurnStore."""
        released = Change({"lease_until": to_iso(now), **due_attributes(start_due_at(retry_at or now))})
        await self._write(message=own_update(turn, released))

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """See TurnStore."""
        counted = own_update(turn, Change({"model": response.model}, adds=response.usage.model_dump()))
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
        await self._write(message=own_update(turn, Change(pointer)), items=writes)

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
                # The next read shows which condition failed.
                await pause(attempt)
                attempt += 1

    async def end_turn(
        self, turn: TurnRef, status: MessageStatus, error: MessageError, iterations: int, event: AnyLogged
    ) -> AnyLogged:
        """See TurnStore."""
        change = ending_change(status, error, event.created_at, attempt=turn.attempt)
        ended = own_update(turn, change | Change({"iterations": iterations}))
        attempt = 0
        while True:
            message, session = await self._message_and_session(turn)
            usage = usage_of(require_own(turn, message))
            others = ending_writes(session, turn.session_id, turn.number, event.created_at, usage)
            try:
                return await self._writer.log(
                    event.model_copy(update={"token_usage": usage}), {"message": ended, **others}
                )
            except SessionDeletedError as deleted:
                raise TurnFencedError("the session was deleted") from deleted
            except ConditionFailedError:
                # The next read shows why: another attempt started, or the session's open messages changed.
                await pause(attempt)
                attempt += 1

    async def list_completed_turns(self, session_id: str, after: int, limit: int) -> Sequence[CompletedTurn]:
        """See TurnStore."""
        return await read_completed_turns(self._table, session_id, after, limit)

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


def _is_completed_by(turn: TurnRef, message: TableItem | None) -> bool:
    return message is not None and message["status"] == MessageStatus.COMPLETED and message["attempt"] == turn.attempt
