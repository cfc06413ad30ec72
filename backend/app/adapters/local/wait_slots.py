"""Wait slots within one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LocalWaitSlots:
    """The WaitSlots of the local engine: a count."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def hold(self, slots: int, seconds: float) -> AsyncIterator[bool]:  # noqa: ARG002 - holders end with the count
        """See WaitSlots."""
        if self._held >= slots:
            yield False
            return
        self._held += 1
        try:
            yield True
        finally:
            self._held -= 1
