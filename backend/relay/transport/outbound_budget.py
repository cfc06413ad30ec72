"""What waits for all clients of a relay together, bounded: those that are furthest behind go first."""

from collections.abc import Callable
from typing import Protocol

# Cutting goes on to here, so that the next growth by an eighth pays for looking at all who wait.
_CUT_DOWN_TO = 7 / 8


class Waiting(Protocol):
    """A client for which something waits."""

    @property
    def buffered(self) -> int:
        """The bytes that wait for it now."""
        ...


class OutboundBudget:
    """Adds up what waits for clients that do not read as fast as they are sent to.

    Args:
        limit: how many bytes may wait for all of them.
        cut_off: ends a client's connection, and forgets what waits for it.
    """

    def __init__(self, limit: int, cut_off: Callable[[Waiting], None]) -> None:
        self._limit = limit
        self._cut_off = cut_off
        # As of when each was last looked at; what a client has read since is found out before anybody is cut off.
        self._bytes: dict[Waiting, int] = {}
        self.total = 0

    @property
    def is_half_spent(self) -> bool:
        """Whether so much waits that what can come later should."""
        return self.total > self._limit // 2

    def note(self, client: Waiting) -> None:
        """Look at what waits for a client, after it grew or shrank; cut off others, or this one, if it is too much."""
        self._set(client, client.buffered)
        if self.total > self._limit:
            self._cut_down()

    def forget(self, client: Waiting) -> None:
        """A client is gone. Safe to repeat."""
        self._set(client, 0)

    def _set(self, client: Waiting, size: int) -> None:
        self.total += size - self._bytes.pop(client, 0)
        if size:
            self._bytes[client] = size

    def _cut_down(self) -> None:
        for client in tuple(self._bytes):
            self._set(client, client.buffered)
        for client in sorted(self._bytes, key=self._bytes.__getitem__, reverse=True):
            if self.total <= self._limit * _CUT_DOWN_TO:
                return
            self._set(client, 0)
            self._cut_off(client)
