"""The relay behind its real server, told over standard input how much to say.

Each line "ROOMS EVENTS" brings so many events to each of so many projects, over the event source and the cursors.
"""

import asyncio
import gc
import sys
from collections import Counter

import uvloop

from tests.relay.live_relay import event_of, live_relay

_TEXT = "x" * 100
_UNLIMITED = 1_000_000


async def main() -> None:
    """Serve until the input ends."""
    fast_path = "--stock" not in sys.argv
    limits = {"max_user_connections": _UNLIMITED, "max_connections": _UNLIMITED, "fast_path": fast_path}
    async with live_relay(None, **limits) as live:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        gc.collect()
        gc.freeze()
        print(live.url, flush=True)
        said: Counter[str] = Counter()
        while line := await reader.readline():
            rooms, events = map(int, line.split())
            for room in range(rooms):
                name = f"p{room}"
                batch = [event_of(said[name] + number + 1, f"s{room}", name, _TEXT) for number in range(events)]
                said[name] += events
                live.source.bring(*batch)


if __name__ == "__main__":
    uvloop.run(main())
