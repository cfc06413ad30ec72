"""The domain's ports apart from stores, agents and memory: clock, ids, offloader, event bus and turn queue.

Each port says what its adapters guarantee; one contract suite per port tests every adapter.
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
        """The current time, timezone-aware, in UTC."""
        ...


class IdGenerator(Protocol):
    """Makes ids."""

    def new_id(self) -> str:
        """A UUIDv7 (RFC 9562) as a string; unique, and increasing within a process."""
        ...


class Offloader(Protocol):
    """Runs CPU-bound work on text without blocking the event loop."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function with the arguments. Returns and raises what it does.

        It may run in another process: the function must be one of a module, its arguments and result picklable. If the
        caller is cancelled, the work may go on and its result is dropped.
        """
        ...


class EventBus(Protocol):
    """Delivers events to the relay's tasks. Best effort: the relay backfills lost events from the log."""

    async def publish(self, event: BusMessage) -> None:
        """Publish an event, in order within a session. Does not raise if delivery fails, nor wait for subscribers."""
        ...


@dataclass(frozen=True, slots=True)
class TurnNotification:
    """Informs a worker that a session has an open message. It carries no state: the worker reads the store.

    Attributes:
        is_rescue: enqueued for a message that no worker holds although it was enqueued before. A rescue is in no order:
            while it is hidden, it blocks neither its session's other notifications nor the next rescue.
    """

    session_id: str
    message_id: str
    is_rescue: bool = False


class TurnQueue(Protocol):
    """Turn notifications, delivered at least once, and one at a time within a session.

    Rescues are not ordered: each is delivered independently. Whether a turn is done is known to the store alone.
    """

    async def enqueue(self, notification: TurnNotification) -> None:
        """Add a notification to the queue. A notification that is enqueued twice is delivered twice."""
        ...

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        """Hide a received notification for so many seconds from now. A stale receipt handle is ignored."""
        ...
