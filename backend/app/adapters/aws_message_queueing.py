"""How a message gets its place in its session."""

import asyncio
from dataclasses import replace

from backend.app.adapters.aws_message_items import message_item, read_messages, text_writes
from backend.app.adapters.aws_session_items import LIVE
from backend.app.domain.errors import SessionNotFoundError
from backend.app.domain.message import Message, MessageStatus
from backend.app.domain.queueing import require_room, require_same_prompt, require_same_session
from shared.aws_item import Item, put, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.table_keys import message_key, message_locator_key, session_key


async def queue_message(table: AwsTable, message: Message, queue_limit: int) -> tuple[Message, bool]:
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
            return await _same_message(table, known, message), False
        await _check_queue(table, session, message.session_id, queue_limit)
        queued = replace(message, number=session["message_count"] + 1)
        try:
            await _store(table, queued)
        except ConditionFailedError:
            # Another message of the session, or this very one, was stored meanwhile.
            await pause(attempt)
            attempt += 1
        else:
            return queued, True


async def _store(table: AwsTable, message: Message) -> None:
    texts, documents = await text_writes(table, message.session_id, message.number, 0, prompt=message.prompt)
    locator = {
        **message_locator_key(message.message_id),
        "session_id": message.session_id,
        "number": message.number,
    }
    await table.write(
        session=update(
            session_key(message.session_id),
            "SET #message_count = :number ADD #open_numbers :open",
            f"{LIVE} AND #message_count = :before",
            number=message.number,
            before=message.number - 1,
            open={message.number},
        ),
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
        # Only the first of the open ones can be running.
        head = await table.get(message_key(session_id, min(numbers)))
        queued -= head is not None and head["status"] == MessageStatus.RUNNING
    require_room(session_id, queued, queue_limit)
