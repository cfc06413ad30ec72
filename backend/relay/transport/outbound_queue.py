"""A client's packets that are not sent yet, with their size."""

import asyncio
from collections import deque
from typing import Any

# The memory of a packet beside its text.
_PACKET_BYTES = 100


def packet_size(packet: Any) -> int:
    """The approximate size of an Engine.IO packet, or of None, which marks the end."""
    data = getattr(packet, "data", None)
    return _PACKET_BYTES + len(data) if isinstance(data, str | bytes) else _PACKET_BYTES


class OutboundQueue(asyncio.Queue[Any]):
    """A queue that knows its size in bytes. It is not bounded: the socket checks its size after each put."""

    _queue: deque[Any]

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def clear(self) -> None:
        """Discard all packets."""
        while not self.empty():
            self.get_nowait()

    async def take(self, limit: int) -> list[Any]:
        """Wait for packets, and take at most `limit`. None, the end, is left for the next call if others precede it."""
        packets = [await self.get()]
        while packets[-1] is not None and len(packets) < limit and not self.empty():
            packets.append(self.get_nowait())
        if packets[-1] is None and len(packets) > 1:
            self.put_first(None)
        return [packet for packet in packets if packet is not None]

    def put_first(self, item: Any) -> None:
        """Put an item at the front."""
        self.put_nowait(item)
        self._queue.rotate(1)

    def _put(self, item: Any) -> None:
        self.bytes += packet_size(item)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= packet_size(item)
        return item
