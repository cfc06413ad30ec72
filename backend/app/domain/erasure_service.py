"""Erases what deleted sessions left: soon, and for good."""

from datetime import timedelta

from backend.app.domain.limits import Limits
from backend.app.domain.ports import Clock, Memory, MemoryRef
from backend.app.domain.store_ports import ErasureStore, Tombstone

_SESSIONS_A_RUN = 20


class ErasureService:
    """Removes memories first and records last, so that an interrupted erasure is found and done again.

    A turn that ran while its session was deleted may still write to its memory: what was erased is erased once more
    when the longest turn is over.
    """

    def __init__(self, store: ErasureStore, memory: Memory, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._memory = memory
        self._clock = clock
        self._longest_turn = timedelta(seconds=limits.turn_seconds + limits.lease_seconds)

    async def erase_deleted_sessions(self) -> int:
        """Erase the sessions that wait for it, some at a time. Returns how many. Safe to repeat."""
        settled_before = self._clock.now() - self._longest_turn
        tombstones = await self._store.list_sessions_to_erase(settled_before, _SESSIONS_A_RUN)
        for tombstone in tombstones:
            await self.erase_session(tombstone)
        return len(tombstones)

    async def erase_session(self, tombstone: Tombstone) -> None:
        """Erase one deleted session. Safe to repeat."""
        session = tombstone.session
        await self._memory.erase_memory(MemoryRef(session.session_id, session.openai_session_key))
        final = tombstone.deleted_at <= self._clock.now() - self._longest_turn
        await self._store.erase_records(session.session_id, final=final)
