"""The MessageStore on the DynamoDB table."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from backend.app.adapters.aws.event_writer import AwsEventWriter, SessionDeletedError
from backend.app.adapters.aws.items.messages import (
    FREE,
    ending_change,
    find_active_item,
    read_messages,
    text_bytes,
)
from backend.app.adapters.aws.items.open_messages import ending_writes
from backend.app.adapters.aws.items.queued_messages import queue_message
from backend.app.adapters.aws.items.responses import read_responses
from backend.app.adapters.cursors import cursor_of, number_of
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.errors import MessageNotFoundError
from backend.app.domain.messages.message import Message, MessageError, MessageStatus, ModelResponse
from backend.app.domain.messages.ports import QueuedMessage
from backend.app.domain.page import Page
from shared.aws_item import Change, Item, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.events import MessageCancelledEvent
from shared.table_keys import (
    MESSAGE_PREFIX,
    message_key,
    seq_key,
    session_key,
    session_partition,
)

_PAGE_BYTES = 4_000_000


class AwsMessageStore:
    """The MessageStore of AWS."""

    def __init__(self, table: AwsTable, writer: AwsEventWriter) -> None:
        self._table = table
        self._writer = writer

    async def queue_message(self, message: Message, queue_limit: int) -> QueuedMessage:
        """See MessageStore."""
        return await queue_message(self._table, message, queue_limit)

    async def find_message(self, message_id: str) -> Message | None:
        """See MessageStore."""
        item = await find_active_item(self._table, message_id)
        if item is None:
            return None
        (message,) = await read_messages(self._table, [item])
        return message

    async def list_messages(self, session_id: str, limit: int, cursor: str | None, *, ascending: bool) -> Page[Message]:
        """See MessageStore."""
        low, high = MESSAGE_PREFIX, f"{MESSAGE_PREFIX}~"
        if cursor is not None and ascending:
            low = message_key(session_id, number_of(cursor) + 1)["sk"]
        elif cursor is not None:
            high = message_key(session_id, max(number_of(cursor) - 1, 0))["sk"]
        session = await self._table.get(session_key(session_id))
        if session is None or "deleted_at" in session:
            return Page(())
        items: list[Item] = []
        size, has_more = 0, False
        query = self._table.query(session_partition(session_id), low, high, forward=ascending, page_size=limit + 1)
        async for item in query:
            size += text_bytes(item)
            has_more = len(items) == limit or (bool(items) and size > _PAGE_BYTES)
            if has_more:
                break
            items.append(item)
        messages = tuple(await read_messages(self._table, items))
        return Page(messages, tuple(cursor_of(one.number) for one in messages), has_more)

    async def list_responses(self, message_id: str) -> Sequence[ModelResponse]:
        """See MessageStore."""
        item = await find_active_item(self._table, message_id)
        return [] if item is None else await read_responses(self._table, item)

    async def cancel_message(
        self, message_id: str, now: datetime, event: MessageCancelledEvent
    ) -> tuple[Message, MessageCancelledEvent | None]:
        """See MessageStore."""
        attempt = 0
        while True:
            item = await find_active_item(self._table, message_id)
            if item is None:
                raise MessageNotFoundError(message_id)
            (message,) = await read_messages(self._table, [item])
            if not message.status.is_open:
                return message, None
            try:
                if message.status is MessageStatus.RUNNING and message.lease_until and message.lease_until > now:
                    return await self._request_cancel(message, now), None
                return await self._cancel(message, now, event)
            except (ConditionFailedError, SessionDeletedError):
                # The turn advanced or ended, or the session was deleted, between the read and the write.
                await pause(attempt)
                attempt += 1

    async def _request_cancel(self, message: Message, now: datetime) -> Message:
        await self._table.write(
            message=update(
                message_key(message.session_id, message.number),
                Change({"cancel_requested": True}),
                # No worker looks at the mark once the lease is released.
                "#attempt = :attempt AND #status = :running AND #lease_until > :now",
                attempt=message.attempt,
                running=MessageStatus.RUNNING,
                now=to_iso(now),
            )
        )
        return replace(message, cancel_requested=True)

    async def _cancel(
        self, message: Message, now: datetime, event: MessageCancelledEvent
    ) -> tuple[Message, MessageCancelledEvent]:
        error = MessageError(event.code, event.detail or "")
        session, counter = await asyncio.gather(
            self._table.get(session_key(message.session_id)),
            self._table.get(seq_key(message.project_id, message.session_id)),
        )
        if session is None or "deleted_at" in session or counter is None:
            raise SessionDeletedError(message.session_id)
        # Workers write to this log too, so the position that this process remembers is often stale.
        self._writer.learn(message.session_id, counter["last_seq"])
        attempt = message.attempt + 1
        logged = await self._writer.log(
            event.model_copy(update={"token_usage": message.token_usage, "attempt": attempt}),
            {
                "message": update(
                    message_key(message.session_id, message.number),
                    ending_change(MessageStatus.CANCELLED, error, now, attempt=attempt),
                    FREE,
                    before=message.attempt,
                    open=message.status,
                    now=to_iso(now),
                ),
                **ending_writes(
                    session,
                    message.session_id,
                    message.number,
                    now,
                    message.token_usage,
                    sets={"cancelled_at": to_iso(now)},
                ),
            },
        )
        ended = replace(
            message,
            status=MessageStatus.CANCELLED,
            attempt=attempt,
            error=error,
            completed_at=now,
            lease_until=None,
            due_at=None,
            rescues=0,
        )
        return ended, logged
