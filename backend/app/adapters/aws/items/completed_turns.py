"""The items that turns add to the conversation: stored by each attempt, read for completed turns."""

from collections.abc import Sequence

from backend.app.adapters.aws.items.documents import DocumentRef, pack, read_documents, store_document
from backend.app.domain.messages.message import CompletedTurn, Item, MessageStatus, TurnRef
from shared.aws_item import Item as TableItem
from shared.aws_item import Write
from shared.aws_table import AwsTable
from shared.table_keys import MESSAGE_PREFIX, items_name, message_key, session_key, session_partition


async def item_writes(table: AwsTable, turn: TurnRef, items: Sequence[Item]) -> tuple[TableItem, list[Write]]:
    """The message's attributes that reference an attempt's items, and the writes that store them."""
    name = items_name(turn.number, turn.attempt)
    ref, writes = await store_document(table, session_partition(turn.session_id), name, pack(list(items)))
    return {"items_name": ref.name, "items_parts": ref.parts}, writes


async def read_completed_turns(table: AwsTable, session_id: str, after: int, limit: int) -> list[CompletedTurn]:
    """The completed turns of an active session with a number above `after`, in order, with their items."""
    session = await table.get(session_key(session_id))
    if session is None or "deleted_at" in session:
        return []
    low = message_key(session_id, after + 1)["sk"]
    found: list[TableItem] = []
    async for message in table.query(session_partition(session_id), low, f"{MESSAGE_PREFIX}~"):
        if message["status"] == MessageStatus.COMPLETED:
            found.append(message)
        if len(found) == limit:
            break
    kept = [message for message in found if "items_name" in message]
    refs = [DocumentRef(message["pk"], message["items_name"], message["items_parts"]) for message in kept]
    documents = await read_documents(table, refs)
    items = {message["number"]: document for message, document in zip(kept, documents, strict=True)}
    return [
        CompletedTurn(message["number"], message["message_id"], tuple(items.get(message["number"], ())))
        for message in found
    ]
