"""Messages in the DynamoDB table, as the worker sees them: every write is fenced by its attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.app.adapters.aws_completed_turns import item_writes, read_completed_turns
from backend.app.adapters.aws_event_writer import AnyLogged, AwsEventWriter, SessionGoneError
from backend.app.adapters.aws_message_items import FREE, ending_attributes, find_live_item, read_messages
from backend.app.adapters.aws_responses import response_writes
from backend.app.adapters.aws_session_items import ADD_USAGE, LIVE, usage_of, usage_values
from backend.app.adapters.aws_turn_completion import completion_writes, find_completion, require_base
from backend.app.adapters.aws_turn_fence import own_check, own_update, require_own
from backend.app.adapters.moments import text_of
from backend.app.domain.errors import TurnCancelRequestedError, TurnFencedError
from backend.app.domain.message import (
    CompletedTurn,
    Item,
    Message,
    MessageError,
    MessageStatus,
    ModelResponse,
    TurnAnswer,
    TurnRef,
)
from backend.app.domain.project import CodeVersion
from backend.app.domain.turn_store_port import TakeOutcome, TurnSignal
from shared.aws_item import Item as TableItem
from shared.aws_item import Write, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.events import TokenUsageEvent, VibecodeResponseEvent
from shared.table_keys import (
    DUE_QUEUED,
    DUE_RUNNING,
    message_key,
    session_key,
)

_LEASE = "#lease_until = :lease, #due_kind = :due, #due_at = :lease"


class AwsTurnStore:
    """The TurnStore of AWS."""

    def __init__(self, table: AwsTable, writer: AwsEventWriter) -> None:
        self._table = table
        self._writer = writer

    async def find_open_message(self, session_id: str) -> Message | None:
        """See TurnStore."""
        attempt = 0
        while True:
            session = await self._table.get(session_key(session_id))
            if session is None or "deleted_at" in session or not session.get("open_numbers"):
                return None
            item = await self._table.get(message_key(session_id, min(session["open_numbers"])))
            if item is not None and MessageStatus(item["status"]).is_open:
                (message,) = await read_messages(self._table, [item])
                return message
            # It ended between the two reads.
            await pause(attempt)
            attempt += 1

    async def list_stuck_sessions(self, now: datetime, queued_before: datetime, limit: int) -> Sequence[str]:
        """See TurnStore."""
        found: dict[str, None] = {}
        for kind, until in ((DUE_RUNNING, now), (DUE_QUEUED, queued_before)):
            async for due in self._table.query_due(kind, high=text_of(until)):
                found[due["pk"].partition("#")[2]] = None
                if len(found) == limit:
                    return list(found)
        return list(found)

    async def take_turn(
        self, message_id: str, now: datetime, lease_until: datetime, max_attempts: int
    ) -> tuple[TakeOutcome, Message | None]:
        """See TurnStore."""
        attempt = 0
        while True:
            item = await find_live_item(self._table, message_id)
            if item is None:
                return TakeOutcome.GONE, None
            (message,) = await read_messages(self._table, [item])
            if not message.status.is_open:
                return TakeOutcome.GONE, message
            if message.lease_until is not None and message.lease_until > now:
                return TakeOutcome.LEASE_LIVE, message
            if message.attempt >= max_attempts:
                return TakeOutcome.ATTEMPTS_SPENT, message
            try:
                await self._take(message, now, lease_until)
            except ConditionFailedError:
                # Another worker was quicker, or it was cancelled.
                await pause(attempt)
                attempt += 1
            else:
                return TakeOutcome.TAKEN, replace(
                    message, status=MessageStatus.RUNNING, attempt=message.attempt + 1, lease_until=lease_until
                )

    async def beat(self, turn: TurnRef, lease_until: datetime | None) -> TurnSignal:
        """See TurnStore."""
        item = await self._own_item(turn)
        if lease_until is not None:
            await self._set_lease(turn, lease_until)
        return TurnSignal(item.get("cancel_requested", False))

    async def release_lease(self, turn: TurnRef, now: datetime) -> None:
        """See TurnStore."""
        await self._set_lease(turn, now)

    async def record_response(self, turn: TurnRef, response: ModelResponse, event: TokenUsageEvent) -> TokenUsageEvent:
        """See TurnStore."""
        counts: dict[str, Any] = usage_values(response.usage)
        counted = own_update(turn, f"SET #model = :model {ADD_USAGE}", **counts, model=response.model)
        stored = await response_writes(self._table, turn, response)
        return await self._log(event, {"message": counted, "response": stored})

    async def append_event(self, turn: TurnRef, event: AnyLogged) -> AnyLogged:
        """See TurnStore."""
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
            message = await self._table.get(message_key(turn.session_id, turn.number))
            if _is_completed_by(turn, message) and (completed := await find_completion(self._table, turn)) is not None:
                return completed
            message = require_own(turn, message)
            if message.get("cancel_requested"):
                raise TurnCancelRequestedError
            if attempt:
                await require_base(self._table, turn, version)
            counted = event.model_copy(update={"token_usage": usage_of(message)})
            try:
                writes = await completion_writes(self._table, turn, answer, version, counted)
                return await self._writer.log(counted, writes)
            except SessionGoneError as error:
                raise TurnFencedError("the session was deleted") from error
            except ConditionFailedError:
                # Why, is told by what is read next.
                await pause(attempt)
                attempt += 1

    async def end_turn(
        self, turn: TurnRef, status: MessageStatus, error: MessageError, iterations: int, event: AnyLogged
    ) -> AnyLogged:
        """See TurnStore."""
        usage = usage_of(await self._own_item(turn))
        change, values = ending_attributes(status, error, event.created_at, attempt=turn.attempt)
        ended = own_update(
            turn, change.replace("SET ", "SET #iterations = :iterations, "), iterations=iterations, **values
        )
        settled = update(
            session_key(turn.session_id),
            f"{ADD_USAGE} DELETE #open_numbers :ended",
            LIVE,
            ended={turn.number},
            **usage_values(usage),
        )
        return await self._log(event.model_copy(update={"token_usage": usage}), {"message": ended, "session": settled})

    async def list_completed_turns(self, session_id: str, after: int, limit: int) -> Sequence[CompletedTurn]:
        """See TurnStore."""
        return await read_completed_turns(self._table, session_id, after, limit)

    async def _take(self, message: Message, now: datetime, lease_until: datetime) -> None:
        taken = update(
            message_key(message.session_id, message.number),
            f"SET {_LEASE}, #status = :running, #attempt = :attempt REMOVE #items_name, #items_parts",
            FREE,
            **_lease(lease_until),
            running=MessageStatus.RUNNING,
            attempt=message.attempt + 1,
            before=message.attempt,
            open=message.status,
            now=text_of(now),
        )
        await self._table.write(message=taken)

    async def _set_lease(self, turn: TurnRef, until: datetime) -> None:
        await self._write(message=own_update(turn, f"SET {_LEASE}", **_lease(until)))

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
        except SessionGoneError as error:
            raise TurnFencedError("the session was deleted") from error
        except ConditionFailedError as error:
            raise TurnFencedError("another attempt began, or the message ended") from error


def _lease(until: datetime) -> dict[str, str]:
    return {"lease": text_of(until), "due": DUE_RUNNING}


def _is_completed_by(turn: TurnRef, message: TableItem | None) -> bool:
    return message is not None and message["status"] == MessageStatus.COMPLETED and message["attempt"] == turn.attempt
