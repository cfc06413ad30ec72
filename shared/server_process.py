"""What server processes are made of: a port, the parts that run beside the server, settings of garbage collection."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

_BACKLOG = 2_048


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any free one. Raises OSError where the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # Inherited by what it accepts. asyncio's own loop does it for no socket made so: each poll would take 40 ms more.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@asynccontextmanager
async def run_parts(
    parts: Mapping[str, Coroutine[Any, Any, None]], on_death: Callable[[str, BaseException], None]
) -> AsyncIterator[None]:
    """Run the parts of a process until the block ends; then cancel them, the last one first.

    Not a TaskGroup: it would cancel the block when a part dies, and the server in it must drain its clients first.

    Args:
        parts: by name; each runs until it is cancelled.
        on_death: called with the name and the error of a part that raised one; it stops the server.
    """

    def check(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            on_death(done.get_name(), error)

    async with AsyncExitStack() as stack:
        for name, work in parts.items():
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(_stop, task)
            task.add_done_callback(check)
        yield


def freeze_imports() -> None:
    """Keep what the imports made out of every collection: it lives as long as the process."""
    gc.collect()
    gc.freeze()


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
