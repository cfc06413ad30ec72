"""A client that subscribes to a room: the port, and the result of its subscription."""

from dataclasses import dataclass, field
from typing import Protocol

from shared.events import Event


class Subscriber(Protocol):
    """A client of one room.

    Attributes:
        sid: the client's id.
    """

    sid: str

    async def send(self, event: Event) -> None:
        """Send an event to this client alone."""
        ...

    async def wait_for_capacity(self) -> None:
        """Wait until the client has read most of what it was sent."""
        ...

    async def join_room(self) -> None:
        """Send this client what is emitted to the room from now on."""
        ...


@dataclass(frozen=True, slots=True)
class SubscribeResult:
    """Where a new subscriber stands.

    Attributes:
        last_seq: by session, the number of the last event that was emitted to the room.
        truncated: sessions whose missing events are not, or no longer, available.
        deleted: sessions that were deleted.
    """

    last_seq: dict[str, int]
    truncated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
