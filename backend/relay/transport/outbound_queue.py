"""A client's packets that are not sent yet."""

import asyncio
from collections import deque
from typing import Any

# What a packet costs beside its text.
_PACKET_BYTES = 100


def packet_size(packet: Any) -> int:
    """About how many bytes an Engine.IO packet holds; None, the end, holds none."""
    data = getattr(packet, "data", None)
    return _PACKET_BYTES + len(data) if isinstance(data, str | bytes) else _PACKET_BYTES


class OutboundQueue(asyncio.Queue[Any]):
    """A queue that knows its size in bytes. Whoever puts looks whether it is too much; nobody waits to put."""

    _queue: deque[Any]

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def clear(self) -> None:
        """Forget everything."""
        while not self.empty():
            self.get_nowait()

    def put_first(self, item: Any) -> None:
        """Have this come out next."""
        self.put_nowait(item)
        self._queue.rotate(1)

    def _put(self, item: Any) -> None:
        self.bytes += packet_size(item)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= packet_size(item)
        return item
