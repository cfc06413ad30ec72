"""The event log on the DynamoDB table; the API and the relay share its reader."""

import math
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.aws_item import Item
from shared.aws_table import AwsTable
from shared.event_log import EventPage
from shared.events import LoggedBase, LoggedEvent, logged_event_adapter
from shared.table_keys import (
    EVENT_PREFIX,
    SEQ_PREFIX,
    event_key,
    project_partition,
    seq_key,
    session_key,
    session_partition,
)

EVENT_RETENTION = timedelta(days=7)
_PAGE_BYTES = 4_000_000
# Short events stay readable in the AWS console; compressing long ones is cheaper.
_COMPRESSED_FROM_BYTES = 1_000


def event_item(event: LoggedBase) -> Item:
    """A numbered event as an item of the log; DynamoDB expires it."""
    body = event.model_dump_json().encode()
    return {
        **event_key(event.session_id, event.seq),
        "body": body if len(body) < _COMPRESSED_FROM_BYTES else zlib.compress(body),
        "is_compressed": len(body) >= _COMPRESSED_FROM_BYTES,
        "expires_at": math.ceil((event.created_at + EVENT_RETENTION).timestamp()),
    }


def event_body(item: Item) -> bytes:
    """The JSON of the event in an item."""
    return zlib.decompress(item["body"]) if item["is_compressed"] else item["body"]


class AwsEventLog:
    """The EventLogReader of AWS.

    Args:
        table: the table.
        now: the time of day, in UTC.
    """

    def __init__(self, table: AwsTable, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        """See EventLogReader."""
        # The counter first: every event that it counts is then in the log, unless it has expired.
        counter = await self._table.get(seq_key(project_id, session_id))
        if counter is None:
            return await self._read_tombstone(project_id, session_id, after)
        last_seq: int = counter["last_seq"]
        if after >= last_seq:
            return EventPage((), last_seq)
        events = await self._read_page(session_id, after, limit)
        first = events[0].seq if events else last_seq + 1
        return EventPage(events, max(last_seq, events[-1].seq) if events else last_seq, truncated=first > after + 1)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        """See EventLogReader."""
        counters = self._table.query(project_partition(project_id), SEQ_PREFIX)
        return {one["sk"].removeprefix(SEQ_PREFIX): one["last_seq"] async for one in counters}

    async def _read_tombstone(self, project_id: str, session_id: str, after: int) -> EventPage | None:
        session = await self._table.get(session_key(session_id))
        if session is None or session["project_id"] != project_id:
            return None
        if "last_seq" not in session:
            # Created since the counter was read.
            return EventPage((), 0)
        last = session["last_seq"]
        return EventPage(await self._read_page(session_id, max(after, last - 1), 1), last, deleted=True)

    async def _read_page(self, session_id: str, after: int, limit: int) -> tuple[LoggedEvent, ...]:
        now = self._now().timestamp()
        low, high = event_key(session_id, after + 1)["sk"], f"{EVENT_PREFIX}~"
        events: list[LoggedEvent] = []
        size = 0
        async for item in self._table.query(session_partition(session_id), low, high, page_size=limit):
            if item["expires_at"] <= now:
                continue
            body = event_body(item)
            size += len(body)
            if events and size > _PAGE_BYTES:
                break
            events.append(logged_event_adapter.validate_json(body))
            if len(events) == limit:
                break
        return tuple(events)
