"""What the domain needs of the world, stores and agents apart: time, ids, the bus, doorbells and memory.

Each port says what its adapters owe; one contract suite per port proves it on every adapter.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from backend.app.domain.message import CompletedTurn, Item, Message
from shared.events import BusMessage

T = TypeVar("T")


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class IdGenerator(Protocol):
    """New names for things."""

    def new_id(self) -> str:
        """A UUIDv7 (RFC 9562) as a string; unique, and growing within a process."""
        ...


class Offloader(Protocol):
    """Runs work on text where it does not hold up the event loop."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what the function returns for the arguments, or raise what it raises.

        All of it must be known to other processes: a function of a module, arguments and a result that can be pickled.
        Where the caller is cancelled, the work may go on, and its result is lost.
        """
        ...


class EventBus(Protocol):
    """Carries events to whoever listens. Best effort: a lost event is mended from the log."""

    async def publish(self, event: BusMessage) -> None:
        """Send; order is kept within a session. Never raises for a failed delivery, never waits for a listener."""
        ...


@dataclass(frozen=True, slots=True)
class Doorbell:
    """Says that a session has work. Carries no truth: the worker that handles it reads the store.

    Attributes:
        is_rescue: sent for a message that no worker has, although it was notified of. Nothing holds it up: one that a
            failed start keeps hidden holds up neither its session's other notifications nor the next rescue.
    """

    session_id: str
    message_id: str
    is_rescue: bool = False


class TurnQueue(Protocol):
    """Doorbells. Delivered at least once, one at a time within a session, rescues apart, each of which is delivered
    whatever else is out; the store alone knows what is done.
    """

    async def ring(self, doorbell: Doorbell) -> None:
        """Put a doorbell into the queue. Ringing twice delivers twice."""
        ...

    async def extend(self, receipt: str, seconds: float) -> None:
        """Keep a received doorbell hidden for so long from now. A stale receipt is ignored."""
        ...


class EndWatch(Protocol):
    """Wakes those who wait for a message to end."""

    async def wait_for_end(self, message: Message, timeout: float) -> None:
        """Return when the message may have ended, or after `timeout` seconds. A hint: read the message again."""
        ...


class WaitSlots(Protocol):
    """Bounds how many callers wait for the end of a message at a time, over all processes."""

    def hold(self, slots: int, seconds: float) -> AbstractAsyncContextManager[bool]:
        """Hold one of so many slots within the block, for so long at most: whether one was given.

        At most `slots` hold one at a time. Does not wait for one, and never raises: in doubt none is given. Of a holder
        that died the slot is free again some seconds after its time.
        """
        ...


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

    async def set_aside(self, ref: MemoryRef) -> None:
        """Move a corrupt memory out of the way, to be looked at. Safe to repeat."""
        ...

    async def erase_memory(self, ref: MemoryRef) -> None:
        """Remove the memory and all that was set aside of it. Safe to repeat."""
        ...
