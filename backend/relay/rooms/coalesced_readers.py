"""The event log and the project access, with the reads of all clients coalesced."""

import asyncio
from collections.abc import Sequence

from backend.relay.metrics import RelayMetrics
from backend.relay.rooms.coalesced_reads import CoalescedReads
from backend.relay.rooms.event_cache import EventCache
from shared.access import AccessReader, ProjectAccess
from shared.event_log import EventLogReader, EventPage
from shared.events import LoggedEvent

# Without cached events, reads begin at multiples of this: clients that were away for about as long share a page.
_PAGE_START_MULTIPLE = 64
# Cached events add nothing to the memory that a page takes, so all clients read from the end of the cached ones on.
_MAX_CACHED_EVENTS = 10_000


class CoalescedEventLog:
    """An EventLogReader with the same strong consistency and fewer reads.

    Each result rests on a read that started after the call: it says whether the session exists and what its last event
    is. Of the events, only those that are not cached are read.
    """

    def __init__(self, log: EventLogReader, cache: EventCache, limit: asyncio.Semaphore, metrics: RelayMetrics) -> None:
        def count_read() -> None:
            metrics.log_reads += 1

        self._log = log
        self._cache = cache
        self._pages: CoalescedReads[EventPage | None] = CoalescedReads(limit, count_read)
        self._last_seqs: CoalescedReads[dict[str, int]] = CoalescedReads(limit, count_read)

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        """See EventLogReader."""
        cached = self._cache.after(session_id, after, _MAX_CACHED_EVENTS)
        if cached or after == 0 or self._cache.has(session_id, after):
            page = await self._read(project_id, session_id, after + len(cached), limit)
        else:
            page = await self._read_shared_page(project_id, session_id, after, limit)
        if page is None or page.deleted:
            return page
        return _page(after, (*cached, *(event for event in page.events if event.seq > after)), page.last_seq)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        """See EventLogReader."""
        return await self._last_seqs.read(project_id, lambda: self._log.read_last_seqs(project_id))

    async def close(self) -> None:
        """Cancel all reads. Safe to repeat."""
        await self._pages.close()
        await self._last_seqs.close()

    async def _read_shared_page(self, project_id: str, session_id: str, after: int, limit: int) -> EventPage | None:
        page = await self._read(project_id, session_id, after - after % _PAGE_START_MULTIPLE, limit)
        if page is not None and not page.deleted and page.has_more and page.events[-1].seq <= after:
            # A page of few, large events ended before the one that is needed.
            page = await self._read(project_id, session_id, after, limit)
        return page

    async def _read(self, project_id: str, session_id: str, after: int, limit: int) -> EventPage | None:
        key = (project_id, session_id, after, limit)
        page = await self._pages.read(key, lambda: self._log.read_events(project_id, session_id, after, limit))
        if page is not None and not page.deleted:
            for event in page.events:
                self._cache.add(event)
        return page


class CoalescedAccess:
    """An AccessReader with the same strong consistency: concurrent calls about a project share one read."""

    def __init__(self, access: AccessReader, limit: asyncio.Semaphore) -> None:
        self._access = access
        self._reads: CoalescedReads[ProjectAccess | None] = CoalescedReads(limit)

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """See AccessReader."""
        return await self._reads.read(project_id, lambda: self._access.find_access(project_id))

    async def close(self) -> None:
        """Cancel all reads. Safe to repeat."""
        await self._reads.close()


def _page(after: int, events: Sequence[LoggedEvent], last_seq: int) -> EventPage:
    first = events[0].seq if events else last_seq + 1
    return EventPage(tuple(events), last_seq, truncated=first > after + 1)
