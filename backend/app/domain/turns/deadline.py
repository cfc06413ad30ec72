"""A deadline that cannot be taken for the failure of what runs within it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DeadlineExceededError(Exception):
    """What ran within the deadline was cancelled when the deadline had come."""


@asynccontextmanager
async def deadline(at: float) -> AsyncIterator[None]:
    """Cancel the body when the event loop's time is `at`.

    Raises DeadlineExceededError then. A TimeoutError of the body's own (sockets, files and libraries raise it too)
    comes out as it is.
    """
    timeout = asyncio.timeout_at(at)
    try:
        async with timeout:
            yield
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise DeadlineExceededError from error


def seconds_from_now(seconds: float) -> float:
    """The event loop's time in so many seconds."""
    return asyncio.get_running_loop().time() + seconds
