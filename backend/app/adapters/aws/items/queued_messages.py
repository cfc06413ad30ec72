"""Stores a message as the next one of its session."""

import asyncio
from dataclasses import replace
from datetime import datetime

from backend.app.adapters.aws.items.messages import message_item, read_messages, text_writes
from backend.app.adapters.aws.items.open_messages import admission_write
from backend.app.adapters.timestamps import from_iso
from backend.app.domain.errors import SessionNotFoundError
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.messages.message_admission import (
    require_queue_capacity,
    require_same_prompt,
    require_same_session,
)
from backend.app.domain.messages.ports import QueuedMessage
from backend.app.domain.turns.rescue import start_due_at
from shared.aws_item import Item, put
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.table_keys import message_key, message_locator_key, session_key


async def queue_message(table: AwsTable, message: Message, queue_limit: int) -> QueuedMessage:
    """See MessageStore."""
    attempt = 0
    while True:
        session, known = await asyncio.gather(
            table.get(session_key(message.session_id)),
            table.get(message_locator_key(message.message_id)),
        )
        if session is None or "deleted_at" in session:
            raise SessionNotFoundError(message.session_id)
        if known is not None:
            return QueuedMessage(
                await _same_message(table, known, message), is_new=False, cancelled_at=_cancelled_at(session)
            )
        await _check_queue(table, session, message.session_id, queue_limit)
        is_first = not session.get("open_numbers")
        due_at = start_due_at(message.created_at) if is_first else None
        queued = replace(message, number=session["message_count"] + 1, due_at=due_at)
        try:
            await _store(table, session, queued)
        except ConditionFailedError:
            # A concurrent call stored this message or another of the session, or the first open one ended.
            await pause(attempt)
            attempt += 1
        else:
            return QueuedMessage(queued, is_new=True, cancelled_at=_cancelled_at(session))


def _cancelled_at(session: Item) -> datetime | None:
    return from_iso(session["cancelled_at"]) if "cancelled_at" in session else None


async def _store(table: AwsTable, session: Item, message: Message) -> None:
    texts, documents = await text_writes(table, message.session_id, message.number, 0, prompt=message.prompt)
    locator = {
        **message_locator_key(message.message_id),
        "session_id": message.session_id,
        "number": message.number,
    }
    await table.write(
        session=admission_write(session, message.number, message.session_id),
        locator=put(locator, "attribute_not_exists(pk)"),
        message=put({**message_item(message), **texts}, "attribute_not_exists(pk)"),
        texts=documents,
    )


async def _same_message(table: AwsTable, locator: Item, message: Message) -> Message:
    require_same_session(message, locator["session_id"])
    item = await table.get(message_key(locator["session_id"], locator["number"]))
    if item is None:
        raise SessionNotFoundError(message.session_id)
    (known,) = await read_messages(table, [item])
    require_same_prompt(message, known.prompt)
    return known


async def _check_queue(table: AwsTable, session: Item, session_id: str, queue_limit: int) -> None:
    numbers: set[int] = session.get("open_numbers", set())
    queued = len(numbers)
    if queued >= queue_limit:
        # Only the first open message can be running.
        head = await table.get(message_key(session_id, min(numbers)))
        queued -= head is not None and head["status"] == MessageStatus.RUNNING
    require_queue_capacity(session_id, queued, queue_limit)
