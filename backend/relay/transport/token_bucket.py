"""How much somebody may do in a time."""

from collections.abc import Callable
from time import monotonic


class TokenBucket:
    """A token bucket: so many a second for long, and so many at once.

    Args:
        per_second: how many come back each second.
        burst: how many may be taken at once.
        now: seconds of a clock that never goes back.
    """

    __slots__ = ("_burst", "_left", "_now", "_per_second", "_seen")

    def __init__(self, per_second: float, burst: float, now: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._left = burst
        self._seen = now()

    def take(self) -> bool:
        """Whether there was one left, which is taken."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
