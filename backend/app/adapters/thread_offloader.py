"""Runs work on text in a thread, for a process that serves one request at a time: a Lambda."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ThreadOffloader:
    """The Offloader of AWS. It shares the interpreter's lock, so heartbeats run between steps of the work."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """See Offloader."""
        return await asyncio.to_thread(function, *arguments)
