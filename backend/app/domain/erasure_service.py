"""Erases what deleted sessions left: soon, and for good."""

from backend.app.domain.ports import Memory, MemoryRef
from backend.app.domain.session import Session
from backend.app.domain.store_ports import ErasureStore

_SESSIONS_A_RUN = 20


class ErasureService:
    """Removes memories first and records last, so that an interrupted erasure is found and done again."""

    def __init__(self, store: ErasureStore, memory: Memory) -> None:
        self._store = store
        self._memory = memory

    async def erase_deleted_sessions(self) -> int:
        """Erase the sessions that wait for it, some at a time. Returns how many were erased. Safe to repeat."""
        sessions = await self._store.list_sessions_to_erase(_SESSIONS_A_RUN)
        for session in sessions:
            await self.erase_session(session)
        return len(sessions)

    async def erase_session(self, session: Session) -> None:
        """Erase one deleted session. Safe to repeat."""
        await self._memory.erase_memory(MemoryRef(session.session_id, session.openai_session_key))
        await self._store.erase_records(session.session_id)
