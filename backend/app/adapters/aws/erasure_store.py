"""The ErasureStore on the DynamoDB table: erases deleted sessions and projects."""

from collections.abc import AsyncIterator
from datetime import datetime

from backend.app.adapters.aws.items.sessions import session_of
from backend.app.adapters.aws.project_store import AwsProjectStore
from backend.app.adapters.cursors import cursor_of, text_in
from backend.app.adapters.timestamps import from_iso, to_iso
from backend.app.domain.page import Page
from backend.app.domain.sessions.ports import Tombstone
from shared.aws_item import Change, delete, update
from shared.aws_table import AwsTable, ConditionFailedError
from shared.table_keys import (
    DUE_ERASURE,
    DUE_FINAL_ERASURE,
    DUE_PROJECT,
    DUE_TOMBSTONE_EXPIRY,
    MESSAGE_PREFIX,
    SEQ_PREFIX,
    Key,
    event_key,
    message_locator_key,
    session_key,
    session_partition,
)

# Keys that are deleted in one batch.
_BATCH_KEYS = 200


class AwsErasureStore:
    """The ErasureStore of AWS. The index only finds candidates; each is read again before it is erased."""

    def __init__(self, table: AwsTable, projects: AwsProjectStore) -> None:
        self._table = table
        self._projects = projects

    async def list_sessions_to_erase(
        self, settled_before: datetime, limit: int, cursor: str | None = None
    ) -> Page[Tombstone]:
        """See ErasureStore."""
        found: list[Tombstone] = []
        cursors: list[str] = []
        async for position, session_id in self._due(settled_before, None if cursor is None else text_in(cursor)):
            if len(found) == limit:
                return Page(tuple(found), tuple(cursors), has_more=True)
            item = await self._table.get(session_key(session_id))
            if item is not None and item.get("due_kind") in (DUE_ERASURE, DUE_FINAL_ERASURE):
                found.append(Tombstone(session_of(item, item["last_seq"]), from_iso(item["deleted_at"])))
                cursors.append(cursor_of(position))
        return Page(tuple(found), tuple(cursors))

    async def erase_records(self, session_id: str, *, final: bool) -> None:
        """See ErasureStore."""
        tombstone = await self._table.get(session_key(session_id))
        if tombstone is None or "deleted_at" not in tombstone:
            return
        # The last event, session_deleted, stays with the tombstone for relays that missed it.
        kept = {"SESSION", event_key(session_id, tombstone["last_seq"])["sk"]}
        # Locators before messages: after an interruption the remaining messages lead to the remaining locators.
        await self._erase_locators(session_id)
        await self._erase_partition(session_partition(session_id), kept)
        due_kind = (
            DUE_TOMBSTONE_EXPIRY if final or tombstone.get("due_kind") == DUE_TOMBSTONE_EXPIRY else DUE_FINAL_ERASURE
        )
        # The node's name is user text: removed when no memory is looked up by it any more.
        change = Change({"due_kind": due_kind}, removes=("node_id",) if due_kind == DUE_TOMBSTONE_EXPIRY else ())
        await self._table.write(tombstone=update(session_key(session_id), change, "attribute_exists(pk)"))

    async def remove_tombstones(self, deleted_before: datetime) -> None:
        """See ErasureStore."""
        async for due in self._table.query_due(DUE_TOMBSTONE_EXPIRY, high=f"{to_iso(deleted_before)}~"):
            await self._erase_partition(due["pk"], set())

    async def erase_deleted_projects(self) -> None:
        """See ErasureStore."""
        async for due in self._table.query_due(DUE_PROJECT):
            key = {"pk": due["pk"], "sk": due["sk"]}
            project = await self._table.get(key)
            has_sessions = [one async for one in self._table.query(due["pk"], SEQ_PREFIX, page_size=1)]
            if project is not None and not has_sessions:
                await self._projects.erase_project(project)
                await self._table.delete_many([key])

    async def _due(self, settled_before: datetime, after: str | None) -> AsyncIterator[tuple[str, str]]:
        """Index positions and ids of sessions: first those never erased, then those due for their final erasure."""
        for kind, high in ((DUE_ERASURE, "~"), (DUE_FINAL_ERASURE, f"{to_iso(settled_before)}~")):
            low = " "
            if after is not None and after.startswith(f"{kind} "):
                low = after.removeprefix(f"{kind} ") + "!"
            elif after is not None and kind == DUE_ERASURE:
                continue
            async for due in self._table.query_due(kind, low, high):
                yield f"{kind} {due['due_at']}", due["pk"].partition("#")[2]

    async def _erase_locators(self, session_id: str) -> None:
        async for message in self._table.query(session_partition(session_id), MESSAGE_PREFIX):
            locator = message_locator_key(message["message_id"])
            try:
                # Since an interrupted erasure another session may have used the id.
                await self._table.write(locator=delete(locator, "#session_id = :session", session=session_id))
            except ConditionFailedError:
                continue

    async def _erase_partition(self, partition: str, kept: set[str]) -> None:
        keys: list[Key] = []
        async for item in self._table.query(partition, " ", "~"):
            if item["sk"] not in kept:
                keys.append({"pk": item["pk"], "sk": item["sk"]})
            if len(keys) == _BATCH_KEYS:
                await self._table.delete_many(keys)
                keys = []
        await self._table.delete_many(keys)
