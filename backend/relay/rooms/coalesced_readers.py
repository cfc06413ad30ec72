"""The event log and the project's access as all clients of a relay read them together."""

import asyncio
from collections.abc import Sequence

from backend.relay.metrics import RelayMetrics
from backend.relay.rooms.coalesced_reads import CoalescedReads
from backend.relay.rooms.event_cache import EventCache
from shared.access import AccessReader, ProjectAccess
from shared.event_log import EventLogReader, EventPage
from shared.events import LoggedEvent

# Where nothing is cached, reads begin at round numbers: who was away for about as long reads the same page.
_ROUND = 64
# What is cached makes no page longer than the log's in bytes that are not held anyway; so all ask from the same end on.
_MOST_CACHED = 10_000


class CoalescedEventLog:
    """An EventLogReader, as strongly consistent as the one under it, that reads less.

    Each answer rests on a read that began after it was asked for, which tells whether the session exists and how far
    it has come; of the events only those are read that are not cached.
    """

    def __init__(self, log: EventLogReader, cache: EventCache, limit: asyncio.Semaphore, metrics: RelayMetrics) -> None:
        def note_read() -> None:
            metrics.log_reads += 1

        self._log = log
        self._cache = cache
        self._pages: CoalescedReads[EventPage | None] = CoalescedReads(limit, note_read)
        self._lasts: CoalescedReads[dict[str, int]] = CoalescedReads(limit, note_read)

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        """See EventLogReader."""
        cached = self._cache.after(session_id, after, _MOST_CACHED)
        if cached or after == 0 or self._cache.has(session_id, after):
            page = await self._read(project_id, session_id, after + len(cached), limit)
        else:
            page = await self._read(project_id, session_id, after - after % _ROUND, limit)
            if page is not None and not page.deleted and page.has_more and page.events[-1].seq <= after:
                page = await self._read(project_id, session_id, after, limit)  # a page of few, large events
        if page is None or page.deleted:
            return page
        return _page(after, (*cached, *(event for event in page.events if event.seq > after)), page.last_seq)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        """See EventLogReader."""
        return await self._lasts.read(project_id, lambda: self._log.read_last_seqs(project_id))

    async def close(self) -> None:
        """Give up what is under way. Safe to repeat."""
        await self._pages.close()
        await self._lasts.close()

    async def _read(self, project_id: str, session_id: str, after: int, limit: int) -> EventPage | None:
        key = (project_id, session_id, after, limit)
        page = await self._pages.read(key, lambda: self._log.read_events(project_id, session_id, after, limit))
        if page is not None and not page.deleted:
            for event in page.events:
                self._cache.add(event)
        return page


class SharedAccess:
    """An AccessReader, as strongly consistent as the one under it: who asks about a project at once reads once."""

    def __init__(self, access: AccessReader, limit: asyncio.Semaphore) -> None:
        self._access = access
        self._reads: CoalescedReads[ProjectAccess | None] = CoalescedReads(limit)

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """See AccessReader."""
        return await self._reads.read(project_id, lambda: self._access.find_access(project_id))

    async def close(self) -> None:
        """Give up what is under way. Safe to repeat."""
        await self._reads.close()


def _page(after: int, events: Sequence[LoggedEvent], last_seq: int) -> EventPage:
    first = events[0].seq if events else last_seq + 1
    return EventPage(tuple(events), last_seq, truncated=first > after + 1)
