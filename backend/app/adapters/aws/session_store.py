"""The SessionStore on the DynamoDB table."""

import asyncio
from collections.abc import Sequence

from backend.app.adapters.aws.items.messages import ending_change
from backend.app.adapters.aws.items.sessions import session_item, session_of
from backend.app.adapters.aws.project_store import ACTIVE as ACTIVE_PROJECT
from backend.app.adapters.cursors import cursor_of, id_of
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.errors import ProjectNotFoundError
from backend.app.domain.messages.message import MessageError, MessageStatus
from backend.app.domain.page import Page
from backend.app.domain.sessions.session import Session
from shared.aws_event_log import event_item
from shared.aws_item import Change, Item, Write, check, delete, put, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.events import SessionDeletedEvent
from shared.table_keys import (
    DUE_ERASURE,
    DUE_PROJECT,
    PROJECT_PREFIX,
    SEQ_PREFIX,
    message_key,
    project_key,
    project_partition,
    seq_key,
    session_guard_key,
    session_key,
)

_STILL_OPEN = "#attempt = :before AND #status = :open"


class AwsSessionStore:
    """The SessionStore of AWS."""

    def __init__(self, table: AwsTable) -> None:
        self._table = table

    async def start_session(self, session: Session) -> tuple[Session, bool]:
        """See SessionStore."""
        guard = session_guard_key(session.project_id, session.node_id)
        attempt = 0
        while True:
            held, project = await asyncio.gather(
                self._table.get(guard), self._table.get(project_key(session.project_id))
            )
            if project is None or "deleted" in project:
                raise ProjectNotFoundError(session.project_id)
            if held is not None and (found := await self.find_session(held["session_id"])) is not None:
                return found, False
            try:
                await self._table.write(
                    project=check(project_key(session.project_id), ACTIVE_PROJECT),
                    guard=put({**guard, "session_id": session.session_id}, "attribute_not_exists(pk)"),
                    session=put(session_item(session)),
                    counter=put({**seq_key(session.project_id, session.session_id), "last_seq": 0}),
                )
            except ConditionFailedError:
                # A concurrent call started or deleted a session of this key.
                await pause(attempt)
                attempt += 1
            else:
                return session, True

    async def find_session(self, session_id: str) -> Session | None:
        """See SessionStore."""
        item = await self._find_active(session_id)
        if item is None:
            return None
        counter = await self._table.get(seq_key(item["project_id"], session_id))
        return None if counter is None else session_of(item, counter["last_seq"])

    async def list_sessions(self, project_id: str, limit: int, cursor: str | None) -> Page[Session]:
        """See SessionStore."""
        # '!' sorts just above the cursor's own key.
        low = SEQ_PREFIX if cursor is None else f"{SEQ_PREFIX}{id_of(cursor)}!"
        last_seqs: dict[str, int] = {}
        query = self._table.query(project_partition(project_id), low, f"{SEQ_PREFIX}~", page_size=limit + 1)
        async for counter in query:
            last_seqs[counter["sk"].removeprefix(SEQ_PREFIX)] = counter["last_seq"]
            if len(last_seqs) > limit:
                break
        items = await self._table.get_many([session_key(session_id) for session_id in list(last_seqs)[:limit]])
        sessions = tuple(
            session_of(item, last_seqs[session_id])
            for session_id, item in zip(last_seqs, items, strict=False)
            if item is not None and "deleted_at" not in item
        )
        return Page(sessions, tuple(cursor_of(one.session_id) for one in sessions), len(last_seqs) > limit)

    async def list_orphaned_sessions(self, limit: int) -> Sequence[Session]:
        """See SessionStore."""
        orphans: list[Session] = []
        async for due in self._table.query_due(DUE_PROJECT):
            page = await self.list_sessions(due["pk"].removeprefix(PROJECT_PREFIX), limit - len(orphans), None)
            orphans += page.items
            if len(orphans) >= limit:
                break
        return orphans

    async def delete_session(
        self, session_id: str, event: SessionDeletedEvent, error: MessageError
    ) -> SessionDeletedEvent | None:
        """See SessionStore."""
        attempt = 0
        while (item := await self._find_active(session_id)) is not None:
            counter = await self._table.get(seq_key(item["project_id"], session_id))
            if counter is None:
                return None
            logged = event.model_copy(update={"seq": counter["last_seq"] + 1})
            try:
                await self._table.write(
                    **self._tombstone_writes(item, logged),
                    messages=await self._cancel_open(session_id, item, logged, error),
                )
            except ConditionFailedError:
                # A message was sent or ended, or an event logged, between the reads and the write.
                await pause(attempt)
                attempt += 1
            else:
                return logged
        return None

    def _tombstone_writes(self, item: Item, event: SessionDeletedEvent) -> dict[str, Write]:
        project_id, session_id, deleted_at = item["project_id"], event.session_id, to_iso(event.created_at)
        tombstone = update(
            session_key(session_id),
            Change(
                {
                    "deleted_at": deleted_at,
                    "last_seq": event.seq,
                    "due_kind": DUE_ERASURE,
                    "due_at": f"{deleted_at}#{session_id}",
                },
                removes=("open_numbers",),
            ),
            "attribute_not_exists(#deleted_at) AND #message_count = :count",
            count=item["message_count"],
        )
        return {
            "session": tombstone,
            "counter": delete(seq_key(project_id, session_id), "#last_seq = :last", last=event.seq - 1),
            "guard": delete(
                session_guard_key(project_id, item.get("node_id")), "#session_id = :session", session=session_id
            ),
            "event": put(event_item(event)),
        }

    async def _cancel_open(
        self, session_id: str, item: Item, event: SessionDeletedEvent, error: MessageError
    ) -> list[Write]:
        numbers = sorted(item.get("open_numbers", ()))
        messages = await self._table.get_many([message_key(session_id, number) for number in numbers])
        writes: list[Write] = []
        for message in messages:
            if message is None:
                continue
            ended = ending_change(MessageStatus.CANCELLED, error, event.created_at, attempt=message["attempt"] + 1)
            key = message_key(session_id, message["number"])
            writes.append(update(key, ended, _STILL_OPEN, before=message["attempt"], open=message["status"]))
        return writes

    async def _find_active(self, session_id: str) -> Item | None:
        item = await self._table.get(session_key(session_id))
        return None if item is None or "deleted_at" in item else item
