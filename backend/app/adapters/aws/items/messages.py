"""Converts between messages and items of the table. Long texts are stored in items of their own."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from backend.app.adapters.aws.items.documents import DocumentRef, pack, read_documents, store_document
from backend.app.adapters.aws.items.open_messages import due_attributes
from backend.app.adapters.aws.items.sessions import usage_of
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.messages.message import Message, MessageError, MessageStatus
from shared.aws_item import Change, Item, Write
from shared.aws_table import AwsTable
from shared.table_keys import (
    message_key,
    message_locator_key,
    session_key,
    session_partition,
    text_name,
)
from shared.token_usage import TokenUsage

# Every heartbeat and response rewrites the message, and DynamoDB charges by the item's size.
_INLINE_BYTES = 2_000
_TEXTS = ("prompt", "content", "patch")
# The condition that a message has not changed since it was read, and that no worker holds its lease.
FREE = "#attempt = :before AND #status = :open AND (attribute_not_exists(#lease_until) OR #lease_until <= :now)"


def message_item(message: Message) -> Item:
    """The item of a queued message, without its texts."""
    return {
        **message_key(message.session_id, message.number),
        "message_id": message.message_id,
        "project_id": message.project_id,
        "number": message.number,
        "status": message.status,
        "attempt": message.attempt,
        "iterations": message.iterations,
        "created_at": to_iso(message.created_at),
        **({} if message.due_at is None else due_attributes(message.due_at)),
        **TokenUsage().model_dump(),
    }


async def text_writes(
    table: AwsTable, session_id: str, number: int, attempt: int, **texts: str | None
) -> tuple[Item, list[Write]]:
    """The message's attributes for its texts, and the writes that store the long ones."""
    attributes: Item = {}
    writes: list[Write] = []
    for field, text in texts.items():
        size = len((text or "").encode())
        if text is None or size <= _INLINE_BYTES:
            attributes[field] = text
            continue
        name = text_name(number, attempt, field)
        ref, parts = await store_document(table, session_partition(session_id), name, pack(text))
        attributes[f"{field}_ref"] = {"name": ref.name, "parts": ref.parts, "bytes": size}
        writes += parts
    return {name: value for name, value in attributes.items() if value is not None}, writes


def text_bytes(item: Item) -> int:
    """The size of a message's texts that are stored in items of their own, in bytes."""
    return sum(item[f"{field}_ref"]["bytes"] for field in _TEXTS if f"{field}_ref" in item)


async def read_messages(table: AwsTable, items: Sequence[Item]) -> list[Message]:
    """The messages of these items, with their texts."""
    places = [(at, field) for at, item in enumerate(items) for field in _TEXTS if f"{field}_ref" in item]
    refs = [
        DocumentRef(items[at]["pk"], items[at][f"{field}_ref"]["name"], items[at][f"{field}_ref"]["parts"])
        for at, field in places
    ]
    texts = [{field: item.get(field) for field in _TEXTS} for item in items]
    for (at, field), text in zip(places, await read_documents(table, refs), strict=True):
        texts[at][field] = text
    return [_message_of(item, **found) for item, found in zip(items, texts, strict=True)]


async def find_active_item(table: AwsTable, message_id: str) -> Item | None:
    """The item of a message, unless its session is deleted."""
    locator = await table.get(message_locator_key(message_id))
    if locator is None:
        return None
    item, session = await asyncio.gather(
        table.get(message_key(locator["session_id"], locator["number"])),
        table.get(session_key(locator["session_id"])),
    )
    return None if session is None or "deleted_at" in session else item


def ending_change(status: MessageStatus, error: MessageError | None, now: datetime, *, attempt: int) -> Change:
    """What ends an open message."""
    sets: Item = {"status": status, "attempt": attempt, "completed_at": to_iso(now)}
    if error is not None:
        sets |= {"error_code": error.code, "error_detail": error.detail}
    return Change(sets, removes=("lease_until", "due_kind", "due_at", "rescues"))


def _message_of(item: Item, *, prompt: str | None, content: str | None, patch: str | None) -> Message:
    return Message(
        message_id=item["message_id"],
        session_id=item["pk"].partition("#")[2],
        project_id=item["project_id"],
        prompt=prompt or "",
        created_at=from_iso(item["created_at"]),
        number=item["number"],
        status=MessageStatus(item["status"]),
        content=content,
        patch=patch,
        base_version=item.get("base_version"),
        version=item.get("version"),
        token_usage=usage_of(item),
        model=item.get("model"),
        iterations=item["iterations"],
        attempt=item["attempt"],
        error=MessageError(item["error_code"], item["error_detail"]) if "error_code" in item else None,
        completed_at=from_iso(item["completed_at"]) if "completed_at" in item else None,
        lease_until=from_iso(item["lease_until"]) if "lease_until" in item else None,
        cancel_requested=item.get("cancel_requested", False),
        due_at=from_iso(item["due_at"]) if "due_at" in item else None,
        rescues=item.get("rescues", 0),
    )
