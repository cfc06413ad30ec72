"""Concurrent reads of the same key share one read."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class CoalescedReads(Generic[Result]):
    """Runs reads on behalf of concurrent callers (single flight), a limited number at a time.

    Each result comes from a read that started after the caller asked: as fresh as a read of its own. So a caller joins
    a read that has not started yet, and never one that has. One read of a key runs at a time, and all callers that ask
    while it runs share the next one:

        caller A --> read 1 runs ------------> result to A
        caller B      `--> read 2 is queued ------------> read 2 runs --> result to B and C
        caller C              `--> joins read 2

    Args:
        limit: reads that run at a time, shared with other readers.
        count_read: called for each read.
    """

    def __init__(self, limit: asyncio.Semaphore, count_read: Callable[[], None] = lambda: None) -> None:
        self._limit = limit
        self._count_read = count_read
        self._queued: dict[Hashable, asyncio.Task[Result]] = {}
        self._running: dict[Hashable, asyncio.Task[Result]] = {}

    async def read(self, key: Hashable, start_read: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `start_read`. Raises what it raises, to all callers that share it."""
        task = self._queued.get(key)
        if task is None:
            task = self._queued[key] = asyncio.create_task(self._run(key, self._running.get(key), start_read))
            task.add_done_callback(_retrieve_error)
        # A caller that is cancelled must not cancel the read of the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel all reads. Safe to repeat."""
        tasks = {*self._queued.values(), *self._running.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(
        self, key: Hashable, previous: "asyncio.Task[Result] | None", start_read: Callable[[], Awaitable[Result]]
    ) -> Result:
        task = asyncio.current_task()
        try:
            if previous is not None:
                await asyncio.wait({previous})
            async with self._limit:
                self._running[key] = self._queued.pop(key)  # from here on callers queue another read
                self._count_read()
                return await start_read()
        finally:
            for table in (self._queued, self._running):
                if table.get(key) is task:
                    del table[key]


def _retrieve_error(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # raised to the callers; if all of them were cancelled, asyncio must not log it
