"""Work on text in a thread, for a process that serves one request at a time: a function of AWS Lambda."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ThreadOffloader:
    """The Offloader of AWS. The interpreter's lock is shared: heartbeats go on between two steps of the work."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """See Offloader."""
        return await asyncio.to_thread(function, *arguments)
