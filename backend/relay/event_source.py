"""Where the relay hears of events: the port."""

from collections.abc import Sequence
from typing import Protocol

from shared.bus_messages import BusMessage


class EventSource(Protocol):
    """Events as the bus carries them: in order within a session as a rule, but they may be lost, doubled or late."""

    async def receive(self) -> Sequence[BusMessage]:
        """Wait for events. Asking for the next ones says that these have been passed on."""
        ...
