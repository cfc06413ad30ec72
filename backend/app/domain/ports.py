"""What the domain needs of the world, stores and agents apart: time, ids, the bus, notifications and memory.

Each port says what its adapters owe; one contract suite per port proves it on every adapter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from shared.bus_messages import BusMessage

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
class TurnNotification:
    """Says that a session has work. Carries no truth: the worker that handles it reads the store.

    Attributes:
        is_rescue: sent for a message that no worker has, although it was notified of. Nothing holds it up: one that a
            failed start keeps hidden holds up neither its session's other notifications nor the next rescue.
    """

    session_id: str
    message_id: str
    is_rescue: bool = False


class TurnQueue(Protocol):
    """Notifications. Delivered at least once, one at a time within a session, rescues apart, each of which is delivered
    whatever else is out; the store alone knows what is done.
    """

    async def enqueue(self, notification: TurnNotification) -> None:
        """Put a notification into the queue. Ringing twice delivers twice."""
        ...

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        """Keep a received notification hidden for so long from now. A stale receipt handle is ignored."""
        ...
