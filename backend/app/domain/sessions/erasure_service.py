"""Erases the data of deleted sessions."""

import logging
from datetime import timedelta
from typing import Protocol

from backend.app.domain.limits import Limits
from backend.app.domain.ports import Clock
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.sessions.ports import ErasureStore, Tombstone

logger = logging.getLogger(__name__)

_PAGE_SIZE = 20
# So long a client that comes back learns that its session was deleted.
_TOMBSTONE_LIFETIME = timedelta(days=30)


class MemoryErasure(Protocol):
    """The part of a Memory that erasing needs."""

    async def erase_memory(self, ref: MemoryRef) -> None:
        """See Memory."""
        ...


class ErasureService:
    """Removes memories first and records last, so that an interrupted erasure is found and repeated.

    A turn that was running when its session was deleted may still write to its memory: the session is erased a second
    time once the longest turn is over.
    """

    def __init__(self, store: ErasureStore, memory: MemoryErasure, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._memory = memory
        self._clock = clock
        self._longest_turn = timedelta(seconds=limits.turn_seconds + limits.lease_seconds)

    async def erase_deleted_sessions(self) -> int:
        """Erase deleted sessions. Returns how many were erased. Safe to repeat.

        One that cannot be erased now (its file is in use, the disk is missing) is logged, and retried the next time.
        """
        now = self._clock.now()
        erased, cursor = 0, None
        while True:
            page = await self._store.list_sessions_to_erase(now - self._longest_turn, _PAGE_SIZE, cursor)
            for tombstone in page.items:
                erased += await self._try_to_erase(tombstone)
            cursor = page.next_cursor
            if cursor is None:
                break
        await self._store.remove_tombstones(now - _TOMBSTONE_LIFETIME)
        await self._store.erase_deleted_projects()
        return erased

    async def erase_session(self, tombstone: Tombstone) -> None:
        """Erase one deleted session. Safe to repeat. Raises OSError where its files cannot be removed."""
        session = tombstone.session
        await self._memory.erase_memory(MemoryRef(session.session_id, session.openai_session_key))
        # A session without messages has no turn that could still write.
        final = session.message_count == 0 or tombstone.deleted_at <= self._clock.now() - self._longest_turn
        await self._store.erase_records(session.session_id, final=final)

    async def _try_to_erase(self, tombstone: Tombstone) -> bool:
        try:
            await self.erase_session(tombstone)
        except OSError:
            logger.exception("Session %s could not be erased", tombstone.session.session_id)
            return False
        return True
