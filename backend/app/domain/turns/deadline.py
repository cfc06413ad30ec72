"""A deadline whose expiry cannot be confused with a TimeoutError of the code that runs under it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DeadlineExceededError(Exception):
    """The deadline expired, and the code under it was cancelled."""


@asynccontextmanager
async def deadline(at: float) -> AsyncIterator[None]:
    """Cancel the body when the event loop's time reaches `at`, and raise DeadlineExceededError.

    A TimeoutError that the body raises itself (sockets, files and libraries do) passes through unchanged.
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
    """The event loop's time so many seconds from now."""
    return asyncio.get_running_loop().time() + seconds
