"""Where the relay receives events from: the port."""

from collections.abc import Sequence
from typing import Protocol

from shared.bus_messages import BusMessage


class EventSource(Protocol):
    """Events as the bus carries them: in order within a session as a rule, but they may be lost, duplicated or late."""

    async def receive(self) -> Sequence[BusMessage]:
        """Wait for events. Each call acknowledges the events of the call before."""
        ...
