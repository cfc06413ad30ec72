"""What must be left of clients that are gone: nothing."""

import asyncio
from collections import Counter

from tests.relay.live_relay import LiveRelay
from tests.relay_stress.crowd import WAIT_SECONDS

_LOOK_SECONDS = 0.01


def tasks_now() -> Counter[str]:
    """How many tasks there are of each kind."""
    return Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]


async def until_empty(live: LiveRelay, tasks: Counter[str] | None = None) -> None:
    """Wait until the relay's tables are empty and, where they are given, no tasks but such are left."""

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
        raise AssertionError(f"Not gone within {WAIT_SECONDS} s: {left()}") from None
