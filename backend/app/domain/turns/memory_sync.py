"""Keeps a session's memory true to the store: the store is the truth, the memory a projection of it."""

import logging

from backend.app.domain.errors import MemoryCorruptError, MemoryMissingError, TurnError, TurnFencedError
from backend.app.domain.messages.message import CompletedTurn, TurnRef
from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.ports import TurnStore

logger = logging.getLogger(__name__)

_TURNS_A_PAGE = 50


class MemorySync:
    """Brings memories up to date before a turn, and adds a turn once it is completed."""

    def __init__(self, memory: Memory, turns: TurnStore, token_budget: int) -> None:
        self._memory = memory
        self._turns = turns
        self._token_budget = token_budget

    async def refresh(self, session: Session) -> MemorySnapshot:
        """The history for the session's next turn, after what the memory lacks was added from the store.

        A missing memory is built, a corrupt one (or one that knows turns the store does not) set aside and built anew.
        Raises TurnError "memory_busy", retryable; TurnFencedError where other turns were completed meanwhile.
        """
        ref = _ref(session)
        try:
            snapshot = await self._memory.read_memory(ref, self._token_budget)
            if snapshot.last_number > session.completed_number:
                await self._require_fresh(session)
                raise MemoryCorruptError(f"it holds turn {snapshot.last_number}, which was never completed")  # noqa: TRY301
        except MemoryCorruptError as error:
            logger.warning("Memory of session %s is set aside and rebuilt: %s", session.session_id, error)
            await self._memory.quarantine(ref)
            snapshot = await self._memory.read_memory(ref, self._token_budget)
        if snapshot.last_number >= session.completed_number:
            return snapshot
        await self._add_missing_turns(ref, snapshot.last_number)
        return await self._memory.read_memory(ref, self._token_budget)

    async def commit(self, session: Session, turn: TurnRef, completed: CompletedTurn) -> None:
        """Add a completed turn. What goes wrong here is mended by the next turn's refresh, so it is only logged."""
        try:
            ref = _ref(session)
            if not await self._memory.append_turns(ref, [completed], create=False, after=session.completed_number):
                logger.warning("Turn %s is not in the memory yet: the memory was changed meanwhile", turn.message_id)
        except (MemoryCorruptError, MemoryMissingError, TurnError, TurnFencedError) as error:
            logger.warning("Turn %s is not in the memory yet: %s", turn.message_id, error)

    async def _add_missing_turns(self, ref: MemoryRef, after: int) -> None:
        while missing := await self._turns.list_completed_turns(ref.session_id, after, _TURNS_A_PAGE):
            if not await self._memory.append_turns(ref, missing, create=True, after=after):
                raise TurnError("memory_unavailable", "The memory was changed while it was rebuilt.", retryable=True)
            after = missing[-1].number

    async def _require_fresh(self, session: Session) -> None:
        """Tell a memory that knows too much from a worker that slept too long. Raises TurnFencedError."""
        if await self._turns.list_completed_turns(session.session_id, session.completed_number, 1):
            raise TurnFencedError("turns were completed meanwhile")


def _ref(session: Session) -> MemoryRef:
    return MemoryRef(session.session_id, session.openai_session_key)
