"""The relay with its real server. Each line of standard input, "FIRST ROOMS EVENTS LENGTH", publishes events.

It publishes EVENTS events with a content of LENGTH characters to each of ROOMS projects, from number FIRST on. They
take the same path as in production: text from the bus, parsing, cursors, cache.
"""

import asyncio
import gc
import sys
from collections import Counter
from datetime import UTC, datetime

import uvloop

from backend.relay.aws.bus_parsing import RelayProbe, parse_bus_message
from shared.bus_messages import BusMessage
from tests.relay.live_relay import LiveRelay, live_relay

_UNLIMITED = 1_000_000
# An AgentIterationEvent as JSON, the same as in node_server.js.
_BODY = (
    '{"event_id":"%s-0000-4000-8000-000000000000","project_id":"%s","session_id":"%s",'
    '"created_at":"2026-11-23T12:00:00.000000Z","seq":%d,"attempt":1,"href":null,"message_id":"message",'
    '"type":"agent_iteration","agent":"vibecoder","iteration":1,"content":"%s","patch_preview":null,"approved":null}'
)


class Publisher:
    """Publishes events in many projects."""

    def __init__(self, live: LiveRelay) -> None:
        self._live = live
        self._published: Counter[str] = Counter()
        self._total = 0

    def publish(self, first: int, rooms: int, events: int, length: int) -> None:
        """Publish `events` events in each of `rooms` projects."""
        text, now = "x" * length, datetime.now(UTC)
        named = [(f"p{room}", f"s{room}") for room in range(first, first + rooms)]
        batch = [
            self._read(project_id, session_id, text, now) for project_id, session_id in named for _ in range(events)
        ]
        self._live.source.deliver(*batch)

    def _read(self, project_id: str, session_id: str, text: str, now: datetime) -> BusMessage:
        self._published[project_id] += 1
        self._total += 1
        body = _BODY % (f"{self._total:08x}", project_id, session_id, self._published[project_id], text)
        event = parse_bus_message(body)
        assert not isinstance(event, RelayProbe)
        self._live.metrics.count_event(event.created_at, now)
        return event


async def main() -> None:
    """Serve until the input ends."""
    fast_path = "--default-path" not in sys.argv
    limits = {"max_user_connections": _UNLIMITED, "max_connections": _UNLIMITED, "fast_path": fast_path}
    async with live_relay(None, **limits) as live:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        gc.collect()
        gc.freeze()
        print(live.url.rsplit(":", 1)[1], flush=True)
        publisher = Publisher(live)
        while line := await reader.readline():
            publisher.publish(*map(int, line.split()))


if __name__ == "__main__":
    uvloop.run(main())
