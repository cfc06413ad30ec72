"""Random trials: concurrent writers, a bus that loses, duplicates and reorders, and new subscribers.

Each decision comes from the trial's seed, which is the test's parameter; only the threads of the log are not seeded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room import Room
from backend.relay.rooms.room_cursor import RoomCursor
from backend.relay.rooms.subscriber import SubscribeResult
from shared.events import Event
from tests.relay.room_fixtures import Members, Recorder, WatchedLog, Writer, numbers, room_cursor

SESSIONS = 3
EVENTS = 25
SUBSCRIBERS = 8


class BadBus:
    """Loses, duplicates and reorders events."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._carried: list[Event] = []
        self._more = asyncio.Event()
        self._closed = False

    def publish(self, event: Event) -> None:
        for _ in range(self._random.choice((0, 1, 1, 1, 2))):
            earliest = max(0, len(self._carried) - 4)
            self._carried.insert(self._random.randint(earliest, len(self._carried)), event)
        self._more.set()

    def close(self) -> None:
        self._closed = True
        self._more.set()

    async def deliver(self, handle: Callable[[Event], Awaitable[None] | None]) -> None:
        while self._carried or not self._closed:
            if self._carried:
                handled = handle(self._carried.pop(0))
                if handled is not None:
                    await handled
            else:
                self._more.clear()
                await self._more.wait()


async def nothing() -> None:
    """Access does not change here."""


async def yield_randomly(random: Random) -> None:
    """Let other tasks run for a random number of steps."""
    for _ in range(random.randint(0, 6)):
        await asyncio.sleep(0)


async def write(engine: LocalEngine, project: Project, name: str, bus: BadBus, random: Random) -> Writer:
    """Start a session, sometimes late, and log its events."""
    for _ in range(random.choice((0, 0, 20))):
        await engine.events.read_last_seqs(project.project_id)
    writer = await Writer.begin(engine, project, name)
    for _ in range(EVENTS):
        bus.publish(await writer.log())
        await yield_randomly(random)
    return writer


class TrialSubscriber(Recorder):
    """Subscribes at a random time, with some of the sessions' events."""

    def __init__(self, random: Random, members: Members) -> None:
        super().__init__(members)
        self._random = random
        self._after: dict[str, int] = {}
        self._result = SubscribeResult({})

    async def subscribe(self, room: RoomCursor, engine: LocalEngine, project_id: str) -> None:
        for _ in range(self._random.randint(0, 60)):
            await engine.events.read_last_seqs(project_id)
        present = await engine.events.read_last_seqs(project_id)
        chosen = [session_id for session_id in present if self._random.random() < 0.7]
        self._after = {session_id: self._random.randint(0, present[session_id]) for session_id in chosen}
        self._result = await room.subscribe(self, self._after)

    async def send(self, event: Event) -> None:
        await yield_randomly(self._random)
        await super().send(event)

    def missing_or_duplicated(self, writers: Sequence[Writer]) -> dict[str, list[int]]:
        """The sessions of which it did not receive each event after its number once and in order."""
        wrong = {}
        for writer in writers:
            start = self._after.get(writer.session_id, self._result.last_seq.get(writer.session_id, 0))
            if (received := self.seqs(writer.session_id)) != numbers(start + 1, EVENTS):
                wrong[f"{writer.session_id} after {start}"] = received
        return wrong


@pytest.mark.parametrize("is_offered", [True, False], ids=["offered", "handled"])
@pytest.mark.parametrize("seed", range(40))
async def test_each_subscriber_receives_each_event_after_its_own_once_and_in_order(
    engine: LocalEngine, project: Project, seed: int, *, is_offered: bool
) -> None:
    log, members, first, slow = WatchedLog(engine.events), Members(), Recorder(), Random(f"{seed} log")
    log.on_read = lambda _: yield_randomly(slow)
    cursor = room_cursor(project.project_id, log, members.emit)
    members.add(first)
    await cursor.subscribe(Recorder(), {})
    room = Room(cursor, nothing)
    bus = BadBus(Random(f"{seed} bus"))
    subscribers = [TrialSubscriber(Random(f"{seed} subscriber {number}"), members) for number in range(SUBSCRIBERS)]
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(30):
        tasks.create_task(bus.deliver(room.offer if is_offered else cursor.handle))
        for subscriber in subscribers:
            tasks.create_task(subscriber.subscribe(cursor, engine, project.project_id))
        names = [f"node_{number}" for number in range(SESSIONS)]
        writing = (write(engine, project, name, bus, Random(f"{seed} {name}")) for name in names)
        writers = await asyncio.gather(*writing)
        bus.close()
    await cursor.reconcile()
    await room.close()
    assert {writer.session_id: first.seqs(writer.session_id) for writer in writers} == {
        writer.session_id: numbers(1, EVENTS) for writer in writers
    }
    assert [subscriber.missing_or_duplicated(writers) for subscriber in subscribers] == [{}] * SUBSCRIBERS
