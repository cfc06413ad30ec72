"""The relay with its real server, in its own process. Each line of standard input is a request, answered by a line.

`publish N` publishes N events of each session; `state` returns the number of everything that could leak.
"""

import asyncio
import ctypes
import gc
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import socketio
import uvloop

from backend.relay import relay
from backend.relay.health import HealthApp
from backend.relay.rooms import rooms
from backend.relay.transport import relay_socket_server
from shared.event_log import EventPage
from shared.events import AgentIterationEvent
from tests.relay.live_relay import PROJECT, LiveRelay, MemoryLog, event_of, live_relay

SESSIONS = ("one", "two")
_TEXT = "x" * 300
# Older ones are truncated, as those of more than seven days are.
_KEPT_EVENTS = 300
_SETTINGS = {
    # Without these limits, which other tests cover: the fuzz would exceed them.
    "max_user_connections": 1_000_000,
    "max_connections": 1_000_000,
    "max_client_bytes": 150_000,
    "fill_seconds": 1,
}


@dataclass
class EndlessLog(MemoryLog):
    """A log that generates its events: a list would take more and more memory."""

    def append(self, session_id: str = "", project_id: str = PROJECT, content: str = "") -> AgentIterationEvent:
        self._now += 1
        last = self._last[session_id] = self._last[session_id] + 1
        return event_of(last, session_id, project_id, content)

    def __post_init__(self) -> None:
        self._last = dict.fromkeys(SESSIONS, 0)

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        await asyncio.sleep(0.001)
        if project_id != PROJECT or session_id not in self._last:
            return None
        last = self._last[session_id]
        begin = max(after, last - _KEPT_EVENTS)
        seqs = range(begin + 1, min(last, begin + limit) + 1)
        events = tuple(event_of(seq, session_id, project_id, _TEXT) for seq in seqs)
        return EventPage(events, last, truncated=begin > after)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        await asyncio.sleep(0.001)
        return dict(self._last) if project_id == PROJECT else {}


def state_of(live: LiveRelay) -> dict[str, int]:
    """The number of resources, after a garbage collection and with free memory returned to the system."""
    gc.collect()
    # Otherwise memory that is free again would be counted.
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    relay = live.relay
    return {
        "tasks": len(asyncio.all_tasks()),
        "connections": relay.connections,
        "rooms": relay.rooms,
        "sockets": len(relay.sio.eio.sockets),
        "transports": len(live.server.server_state.connections),
        "requests": len(live.server.server_state.tasks),
        "environs": len(relay.sio.environ),
        "attachments": len(relay.sio._binary_packet),
        "callbacks": len(relay.sio.manager.callbacks),
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()) if sys.platform == "linux" else 0,
        "objects": len(gc.get_objects()),
        "resident_kb": _resident_kb(),
        "drops": sum(live.metrics.drops.values()),
    }


def _resident_kb() -> int:
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def main() -> None:
    """Serve until the input ends."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    async with live_relay(EndlessLog(), **_SETTINGS) as live:
        app = live.server.config.app
        assert isinstance(app, socketio.ASGIApp)
        app.other_asgi_app = HealthApp(lambda: True)  # as in the container
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print(live.url, flush=True)
        while line := await reader.readline():
            match line.decode().split():
                case ["publish", count]:
                    for session_id in SESSIONS:
                        live.publish(int(count), session_id, PROJECT, _TEXT)
                    print("{}", flush=True)
                case _:
                    print(json.dumps(state_of(live)), flush=True)


if __name__ == "__main__":
    with (
        patch.object(rooms, "ACCESS_CHECK_SECONDS", 1),
        patch.object(relay_socket_server, "AUTHENTICATION_SECONDS", 3),
        # Small enough to be full before memory is measured.
        patch.object(relay, "CACHE_BYTES", 500_000),
    ):
        uvloop.run(main())
