"""A relay in this process with its real server and a log in memory: everything but AWS."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import socketio

from backend.relay.health import HealthApp
from backend.relay.metrics import RelayMetrics
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from backend.relay.transport.relay_http_server import RelayHttpServer, build_server
from shared.access import ProjectAccess
from shared.bus_messages import BusMessage
from shared.event_log import EventPage
from shared.events import AgentIterationEvent, LoggedEvent, SessionDeletedEvent
from shared.identity import LOCAL_USER, LocalAuthenticator
from shared.server_process import listen
from tests.relay.room_fixtures import WAIT_SECONDS, Source
from tests.watcher import Watcher

PROJECT = "project"
SESSION = "session"


def event_of(seq: int, session_id: str = SESSION, project_id: str = PROJECT, content: str = "") -> AgentIterationEvent:
    return AgentIterationEvent.model_construct(
        event_id=str(uuid.uuid4()),
        project_id=project_id,
        session_id=session_id,
        message_id="message",
        created_at=datetime.now(UTC),
        seq=seq,
        attempt=1,
        agent="vibecoder",
        iteration=1,
        content=content,
    )


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


@dataclass
class MemoryLog:
    """An EventLogReader over lists; every read takes some time and is counted."""

    sessions: dict[str, list[LoggedEvent]] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    reads: int = 0
    max_concurrent_reads: int = 0
    is_broken: bool = False
    _now: int = 0

    def append(self, session_id: str = SESSION, project_id: str = PROJECT, content: str = "") -> AgentIterationEvent:
        events = self.sessions.setdefault(session_id, [])
        self.projects[session_id] = project_id
        event = event_of(len(events) + 1, session_id, project_id, content)
        events.append(event)
        return event

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        await self._count_read()
        if self.projects.get(session_id) != project_id:
            return None
        events = self.sessions[session_id]
        last = events[-1].seq if events else 0
        if events and isinstance(events[-1], SessionDeletedEvent):
            return EventPage(tuple(events[max(after, last - 1) :]), last, deleted=True)
        return EventPage(tuple(events[after : after + limit]), last)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        await self._count_read()
        return {
            name: len(events)
            for name, events in self.sessions.items()
            if self.projects[name] == project_id and not isinstance(events[-1], SessionDeletedEvent)
        }

    async def _count_read(self) -> None:
        self.reads += 1
        self._now += 1
        self.max_concurrent_reads = max(self.max_concurrent_reads, self._now)
        await asyncio.sleep(0.002)
        self._now -= 1
        if self.is_broken:
            raise ConnectionError("The log cannot be read")


class OpenAccess:
    """Every client has access to every project; reads are counted."""

    def __init__(self) -> None:
        self.reads = 0

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        self.reads += 1
        await asyncio.sleep(0.001)
        return ProjectAccess(project_id, LOCAL_USER)


@dataclass
class LiveRelay:
    """A relay that listens at `url`."""

    url: str
    relay: Relay
    server: RelayHttpServer
    source: Source
    log: MemoryLog
    metrics: RelayMetrics

    def publish(self, count: int = 1, session_id: str = SESSION, project_id: str = PROJECT, content: str = "") -> None:
        """Log events and deliver them over the bus."""
        events: list[BusMessage] = [self.log.append(session_id, project_id, content) for _ in range(count)]
        self.source.deliver(*events)

    def watcher(self, transport: str = "websocket") -> Watcher:
        return Watcher(self.url, transports=tuple(transport.split("+")))

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.url.rsplit(":", 1)[1])

    @property
    def sids(self) -> list[str]:
        """The Socket.IO ids of its clients."""
        return list(self.relay._clients._clients)

    async def until_empty(self) -> None:
        """Wait until no client, room or socket is left."""
        relay = self.relay
        await until(lambda: not (relay.connections or relay.rooms or relay.sio.eio.sockets))


@asynccontextmanager
async def live_relay(log: MemoryLog | None = None, **settings: object) -> AsyncIterator[LiveRelay]:
    """A relay with these settings, until the block ends."""
    log, source, metrics = log or MemoryLog(), Source(), RelayMetrics()
    chosen = RelaySettings.model_validate({"fill_seconds": 3_600, "origins": ()} | settings)
    relay = Relay(LocalAuthenticator(), OpenAccess(), log, chosen, metrics)
    server = build_server(
        socketio.ASGIApp(relay.sio, other_asgi_app=HealthApp(lambda: True)), 1.0, chosen.max_packet_bytes
    )
    server.before_shutdown = lambda: relay.drain_clients(1.0)
    running = asyncio.create_task(relay.run(source))
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        try:
            yield LiveRelay(f"http://127.0.0.1:{listener.getsockname()[1]}", relay, server, source, log, metrics)
        finally:
            server.should_exit = True
            async with asyncio.timeout(WAIT_SECONDS):
                await serving
            running.cancel()
            await asyncio.wait({running})
            await relay.sio.shutdown()
