"""A rate limit."""

from collections.abc import Callable
from time import monotonic


class TokenBucket:
    """A token bucket: a sustained rate, and bursts above it.

    Args:
        per_second: tokens that are added each second.
        burst: the most tokens that it holds.
        now: seconds of a monotonic clock.
    """

    __slots__ = ("_burst", "_left", "_now", "_per_second", "_seen")

    def __init__(self, per_second: float, burst: float, now: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._left = burst
        self._seen = now()

    def take(self) -> bool:
        """Take a token. Returns whether there was one."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
