"""The port of a session's memory: the conversation that is sent to the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.app.domain.messages.message import CompletedTurn, Item


@dataclass(frozen=True, slots=True)
class MemoryRef:
    """Identifies the memory of one session."""

    session_id: str
    openai_session_key: str


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """The content of a memory: the newest turn's number (0: none), and the history that is sent to the model."""

    last_number: int
    history: tuple[Item, ...]


class Memory(Protocol):
    """The conversation of a session: a projection of its completed turns, which can be rebuilt from the store."""

    async def read_memory(self, ref: MemoryRef, token_budget: int) -> MemorySnapshot:
        """Open the memory, which is created if missing, and read its newest turns within the budget.

        Raises MemoryCorruptError, or TurnError "memory_busy" (retryable) where it is locked for too long.
        """
        ...

    async def append_turns(
        self, ref: MemoryRef, turns: Sequence[CompletedTurn], *, create: bool, after: int = 0
    ) -> bool:
        """Append turns in order, each with its marker, in one transaction; those already present are skipped.

        Appends nothing and returns False where the memory does not reach turn number `after` (it was emptied or
        replaced): appending after a gap would hide the gap for ever. Raises MemoryMissingError where the memory does
        not exist and `create` is false.
        """
        ...

    async def quarantine(self, ref: MemoryRef) -> None:
        """Rename a corrupt memory, so that it can be inspected and a new one be created. Safe to repeat."""
        ...

    async def erase_memory(self, ref: MemoryRef) -> None:
        """Remove the memory and its quarantined files. Safe to repeat."""
        ...
