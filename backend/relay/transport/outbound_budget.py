"""A bound for the pending bytes of all clients together: the slowest ones are disconnected."""

from typing import Protocol

# Down to this share of the limit, so that the cost of checking all clients is amortized over the next eighth.
_REDUCE_TO = 7 / 8


class Waiting(Protocol):
    """A client with pending bytes."""

    @property
    def buffered(self) -> int:
        """The bytes that are pending for it."""
        ...

    def drop(self, reason: str, detail: str = "") -> None:
        """Close its connection and discard its pending bytes."""
        ...


class OutboundBudget:
    """The sum of the bytes that are pending for clients.

    Args:
        limit: how many bytes may be pending for all of them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # As of the last update of each; all are updated before any client is disconnected.
        self._bytes: dict[Waiting, int] = {}
        self.total = 0

    @property
    def is_half_spent(self) -> bool:
        """Whether so much is pending that replays should wait."""
        return self.total > self._limit // 2

    def update(self, client: Waiting) -> None:
        """Read a client's pending bytes after a change; above the limit disconnect the slowest clients."""
        self._set(client, client.buffered)
        if self.total > self._limit:
            self._enforce()

    def remove(self, client: Waiting) -> None:
        """Remove a closed client. Safe to repeat."""
        self._set(client, 0)

    def _set(self, client: Waiting, size: int) -> None:
        self.total += size - self._bytes.pop(client, 0)
        if size:
            self._bytes[client] = size

    def _enforce(self) -> None:
        for client in tuple(self._bytes):
            self._set(client, client.buffered)
        for client in sorted(self._bytes, key=self._bytes.__getitem__, reverse=True):
            if self.total <= self._limit * _REDUCE_TO:
                return
            self._set(client, 0)
            client.drop("memory", "too much is pending for all clients together, and most of it for this one")
