"""Keeps a session's memory in sync with the store, of which it is a projection."""

import logging

from backend.app.domain.errors import MemoryCorruptError, MemoryMissingError, TurnError, TurnFencedError
from backend.app.domain.messages.message import CompletedTurn, TurnRef
from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.ports import TurnStore

logger = logging.getLogger(__name__)

_PAGE_SIZE = 50


class MemorySync:
    """Brings a memory up to date before a turn, and appends the turn once it is completed."""

    def __init__(self, memory: Memory, turns: TurnStore, token_budget: int) -> None:
        self._memory = memory
        self._turns = turns
        self._token_budget = token_budget

    async def refresh(self, session: Session) -> MemorySnapshot:
        """Append the turns that the memory lacks, and return the history for the session's next turn.

        A missing memory is rebuilt from the store. A corrupt one, or one with turns that the store does not have, is
        quarantined and rebuilt. Raises TurnError "memory_busy", retryable; TurnFencedError where another worker has
        completed turns of the session in the meantime.
        """
        ref = _ref(session)
        try:
            snapshot = await self._memory.read_memory(ref, self._token_budget)
            if snapshot.last_number > session.completed_number:
                await self._require_current(session)
                raise MemoryCorruptError(f"it has turn {snapshot.last_number}, which was never completed")  # noqa: TRY301
        except MemoryCorruptError as error:
            logger.warning("Memory of session %s is quarantined and rebuilt: %s", session.session_id, error)
            await self._memory.quarantine(ref)
            snapshot = await self._memory.read_memory(ref, self._token_budget)
        if snapshot.last_number >= session.completed_number:
            return snapshot
        await self._add_missing_turns(ref, snapshot.last_number)
        return await self._memory.read_memory(ref, self._token_budget)

    async def commit(self, session: Session, turn: TurnRef, completed: CompletedTurn) -> None:
        """Append a completed turn. Errors are only logged: the refresh before the next turn repairs the memory."""
        try:
            ref = _ref(session)
            if not await self._memory.append_turns(ref, [completed], create=False, after=session.completed_number):
                logger.warning("Turn %s is not in the memory yet: the memory was changed concurrently", turn.message_id)
        except (MemoryCorruptError, MemoryMissingError, TurnError, TurnFencedError) as error:
            logger.warning("Turn %s is not in the memory yet: %s", turn.message_id, error)

    async def _add_missing_turns(self, ref: MemoryRef, after: int) -> None:
        while missing := await self._turns.list_completed_turns(ref.session_id, after, _PAGE_SIZE):
            if not await self._memory.append_turns(ref, missing, create=True, after=after):
                raise TurnError(
                    "memory_unavailable", "The session's memory was changed while it was rebuilt.", retryable=True
                )
            after = missing[-1].number

    async def _require_current(self, session: Session) -> None:
        """Raise TurnFencedError where the session is outdated, so that the memory rightly has more turns."""
        if await self._turns.list_completed_turns(session.session_id, session.completed_number, 1):
            raise TurnFencedError("another worker completed turns of the session")


def _ref(session: Session) -> MemoryRef:
    return MemoryRef(session.session_id, session.openai_session_key)
