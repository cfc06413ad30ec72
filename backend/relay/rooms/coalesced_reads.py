"""Reads that several ask for at once are made once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class CoalescedReads(Generic[Answer]):
    """Makes reads for those who ask, few at a time.

    Whoever asks gets what a read found that began after it asked: as fresh as if it had read by itself. So it joins a
    read that has not begun yet, and never one that has. Of each key one read is under way at a time, and all who ask
    meanwhile share the next one.

    Args:
        limit: reads under way at a time, shared with other readers.
        note_read: called for each read that is made.
    """

    def __init__(self, limit: asyncio.Semaphore, note_read: Callable[[], None] = lambda: None) -> None:
        self._limit = limit
        self._note_read = note_read
        self._due: dict[Hashable, asyncio.Task[Answer]] = {}
        self._under_way: dict[Hashable, asyncio.Task[Answer]] = {}

    async def read(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `make` finds. Raises what it raises, to all who share it."""
        task = self._due.get(key)
        if task is None:
            task = self._due[key] = asyncio.create_task(self._make(key, self._under_way.get(key), make))
            task.add_done_callback(_look_at_its_error)
        # Whoever no longer waits must not take the read from the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way. Safe to repeat."""
        tasks = {*self._due.values(), *self._under_way.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _make(
        self, key: Hashable, before: "asyncio.Task[Answer] | None", make: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        task = asyncio.current_task()
        try:
            if before is not None:
                await asyncio.wait({before})
            async with self._limit:
                self._under_way[key] = self._due.pop(key)
                self._note_read()
                return await make()
        finally:
            for table in (self._due, self._under_way):
                if table.get(key) is task:
                    del table[key]


def _look_at_its_error(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # whoever waits gets it; that nobody may wait any more is no mistake
