"""The relay's event source within one process."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from backend.app.adapters.local.event_bus import LocalEventBus
from shared.bus_messages import BusMessage

_MAX_WAITING_EVENTS = 10_000


class LocalEventSource:
    """The EventSource on the local bus. What does not fit is dropped, as any bus may; the log has it."""

    def __init__(self, bus: LocalEventBus) -> None:
        self._waiting: asyncio.Queue[BusMessage] = asyncio.Queue(_MAX_WAITING_EVENTS)
        self._stop = bus.listen(self._receive_from_bus)

    async def receive(self) -> Sequence[BusMessage]:
        """See EventSource."""
        events = [await self._waiting.get()]
        while not self._waiting.empty():
            events.append(self._waiting.get_nowait())
        return events

    def close(self) -> None:
        """Stop listening."""
        self._stop()

    def _receive_from_bus(self, event: BusMessage) -> None:
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)
