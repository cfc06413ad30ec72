"""Checks that disconnected clients leave nothing behind in the relay."""

import asyncio
from collections import Counter

from tests.relay.live_relay import LiveRelay
from tests.relay_stress.crowd import WAIT_SECONDS

_LOOK_SECONDS = 0.01


def tasks_now() -> Counter[str]:
    """The number of tasks by coroutine."""
    return Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]


async def until_empty(live: LiveRelay, tasks: Counter[str] | None = None) -> None:
    """Wait until the relay's tables are empty and, if `tasks` is given, no other tasks are left."""

    def left() -> Counter[str]:
        relay = live.relay
        counted = {"clients": relay.connections, "rooms": relay.rooms, "sockets": len(relay.sio.eio.sockets)}
        return +Counter(counted) + (Counter() if tasks is None else tasks_now() - tasks)

    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                if not left():
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"Left after {WAIT_SECONDS} s: {left()}") from None
