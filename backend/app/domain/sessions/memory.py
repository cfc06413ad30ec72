"""The port of a session's memory: the conversation that the model is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.app.domain.messages.message import CompletedTurn, Item


@dataclass(frozen=True, slots=True)
class MemoryRef:
    """Names the memory of one session."""

    session_id: str
    openai_session_key: str


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """What a memory holds: the newest turn's number (0: none), and the history that is given to the model."""

    last_number: int
    history: tuple[Item, ...]


class Memory(Protocol):
    """The conversation of a session: a projection of its completed turns, which can always be rebuilt."""

    async def read_memory(self, ref: MemoryRef, token_budget: int) -> MemorySnapshot:
        """Open (and if need be create) the memory and read its newest whole turns within the budget.

        Raises MemoryCorruptError, or TurnError "memory_busy" (retryable) where it is locked for too long.
        """
        ...

    async def append_turns(
        self, ref: MemoryRef, turns: Sequence[CompletedTurn], *, create: bool, after: int = 0
    ) -> bool:
        """Add turns in order, each with its marker, in one transaction; those that are there already are passed over.

        Adds nothing and returns False where the memory does not reach turn number `after` (it was emptied or replaced):
        a turn on top of a hole would hide the hole for ever. Raises MemoryMissingError where the memory is not there
        and `create` is false.
        """
        ...

    async def quarantine(self, ref: MemoryRef) -> None:
        """Move a corrupt memory out of the way, to be looked at. Safe to repeat."""
        ...

    async def erase_memory(self, ref: MemoryRef) -> None:
        """Remove the memory and all that was set aside of it. Safe to repeat."""
        ...
