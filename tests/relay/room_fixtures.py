"""Parts of the relay's tests: subscribers that record events, a log that can fail, and sessions with running turns."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from backend.app.domain.messages.message import TurnRef
from backend.app.domain.projects.project import Project
from backend.app.domain.sessions.session import Session
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.room_cursor import RoomCursor
from backend.relay.transport.event_frames import FrameEncoder
from shared.bus_messages import BusMessage
from shared.event_log import EventLogReader, EventPage
from shared.events import Event, LoggedBase, LoggedEvent, TextDeltaEvent
from tests.contract.builders import claimed_turn, stored_session
from tests.contract.event_builders import iteration_event

WAIT_SECONDS = 10.0


class Recorder:
    """A Subscriber that records the events that it is sent."""

    def __init__(self, members: "Members | None" = None, sid: str = "sid-1") -> None:
        self.sid = sid
        self.events: list[Event] = []
        self._members = members
        self._changed = asyncio.Event()

    def record(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    async def send(self, event: Event) -> None:
        self.record(event)

    async def wait_for_capacity(self) -> None:
        """Always has capacity."""

    async def join_room(self) -> None:
        if self._members is not None:
            self._members.add(self)

    def seqs(self, session_id: str) -> list[int]:
        return [event.seq for event in self.events if isinstance(event, LoggedBase) and event.session_id == session_id]

    def names(self) -> list[str]:
        return [event.type for event in self.events]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is checked after each event."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Members:
    """The members of a room."""

    def __init__(self, *members: Recorder) -> None:
        self._members = list(members)

    def add(self, member: Recorder) -> None:
        self._members.append(member)

    def emit(self, event: Event) -> None:
        for member in tuple(self._members):
            member.record(event)


def event_cache(max_bytes: int = 1_000_000, seconds: float = 60, now: Callable[[], float] = lambda: 0.0) -> EventCache:
    return EventCache(FrameEncoder(), max_bytes, seconds, now)


def room_cursor(project_id: str, log: EventLogReader, emit: Callable[[Event], None]) -> RoomCursor:
    return RoomCursor(project_id, log, emit, event_cache())


class WatchedLog:
    """A log that calls `on_read` before each read: to act between reads, or to fail by raising."""

    def __init__(self, log: EventLogReader) -> None:
        self._log = log
        self.on_read: Callable[[str], Awaitable[None]] | None = None

    async def read_events(self, project_id: str, session_id: str, after: int, limit: int = 200) -> EventPage | None:
        await self._before_read(project_id)
        return await self._log.read_events(project_id, session_id, after, limit)

    async def read_last_seqs(self, project_id: str) -> dict[str, int]:
        await self._before_read(project_id)
        return await self._log.read_last_seqs(project_id)

    def fail(self, times: int) -> None:
        """Fail the next reads."""
        left = times

        async def fail(_: str) -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                raise ConnectionError("The log cannot be read")

        self.on_read = fail

    async def _before_read(self, project_id: str) -> None:
        if self.on_read is not None:
            await self.on_read(project_id)


class Reads:
    """Counts how often each project's log is read."""

    def __init__(self, log: WatchedLog) -> None:
        self._seen: list[str] = []
        self._changed = asyncio.Event()
        log.on_read = self._note

    def count(self, project_id: str) -> int:
        return self._seen.count(project_id)

    async def wait_for_more(self, project_id: str, more: int) -> None:
        goal = self.count(project_id) + more
        async with asyncio.timeout(WAIT_SECONDS):
            while self.count(project_id) < goal:
                self._changed.clear()
                await self._changed.wait()

    async def _note(self, project_id: str) -> None:
        self._seen.append(project_id)
        self._changed.set()


class Source:
    """An EventSource that delivers the events that it is given."""

    def __init__(self) -> None:
        self._batches: asyncio.Queue[Sequence[BusMessage]] = asyncio.Queue()
        self.asked = asyncio.Event()

    async def receive(self) -> Sequence[BusMessage]:
        self.asked.set()
        return await self._batches.get()

    def deliver(self, *events: BusMessage) -> None:
        self._batches.put_nowait(events)

    async def asked_again(self) -> None:
        """Wait until the next batch is requested: earlier ones were handled."""
        self.asked.clear()
        await self.asked.wait()


class Writer:
    """A session with a running turn, whose events are logged one by one."""

    def __init__(self, engine: LocalEngine, session: Session, turn: TurnRef) -> None:
        self._engine = engine
        self.session = session
        self.session_id = session.session_id
        self.turn = turn

    @classmethod
    async def begin(cls, engine: LocalEngine, project: Project, node_id: str | None = None) -> Self:
        session = await stored_session(engine, project, node_id=node_id)
        return cls(engine, session, await claimed_turn(engine, session))

    async def log(self) -> LoggedEvent:
        """Log the session's next event."""
        return await self._engine.turns.append_event(self.turn, iteration_event(self._engine, self.turn))

    async def log_many(self, count: int) -> list[LoggedEvent]:
        return [await self.log() for _ in range(count)]


def delta(engine: LocalEngine, turn: TurnRef, attempt: int | None = None) -> TextDeltaEvent:
    return TextDeltaEvent(
        event_id=engine.ids.new_id(),
        project_id=turn.project_id,
        session_id=turn.session_id,
        created_at=engine.clock.now(),
        message_id=turn.message_id,
        attempt=turn.attempt if attempt is None else attempt,
        agent="vibecoder",
        iteration=1,
        offset=0,
        text="I will ",
    )


def numbers(first: int, last: int) -> list[int]:
    """first, first + 1 ... last."""
    return list(range(first, last + 1))
