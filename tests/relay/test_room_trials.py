"""Random trials: writers at work, a bus that loses, doubles and swaps, and newcomers let in meanwhile.

Each decision comes from the trial's seed, which is the test's parameter; only the threads of the log are not seeded.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor, SubscribeResult
from backend.relay.rooms.rooms import Room
from shared.events import Event
from tests.relay.rooms import Audience, Heard, WatchedLog, Writer, numbers

SESSIONS = 3
EVENTS = 25
NEWCOMERS = 8


class BadBus:
    """Loses, doubles and swaps what it carries."""

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

    async def deliver(self, hear: Callable[[Event], Awaitable[None] | None]) -> None:
        while self._carried or not self._closed:
            if self._carried:
                heard = hear(self._carried.pop(0))
                if heard is not None:
                    await heard
            else:
                self._more.clear()
                await self._more.wait()


async def nothing() -> None:
    """Nobody's access changes here."""


async def dawdle(random: Random) -> None:
    """Let the others run for a while."""
    for _ in range(random.randint(0, 6)):
        await asyncio.sleep(0)


async def write(engine: LocalEngine, project: Project, name: str, bus: BadBus, random: Random) -> Writer:
    """Begin a session, some of them late, and log its events."""
    for _ in range(random.choice((0, 0, 20))):
        await engine.events.read_last_seqs(project.project_id)
    writer = await Writer.begin(engine, project, name)
    for _ in range(EVENTS):
        bus.publish(await writer.log())
        await dawdle(random)
    return writer


class Newcomer:
    """Comes in at some moment, with some of the sessions' events in hand."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._heard = Heard()
        self._after: dict[str, int] = {}
        self._admission = SubscribeResult({})

    async def enter(self, room: RoomCursor, audience: Audience, engine: LocalEngine, project_id: str) -> None:
        for _ in range(self._random.randint(0, 60)):
            await engine.events.read_last_seqs(project_id)
        present = await engine.events.read_last_seqs(project_id)
        chosen = [session_id for session_id in present if self._random.random() < 0.7]
        self._after = {session_id: self._random.randint(0, present[session_id]) for session_id in chosen}
        self._admission = await room.admit(self._after, self._hear, audience.joining(self._heard))

    def missed_or_doubled(self, writers: Sequence[Writer]) -> dict[str, list[int]]:
        """What it heard of the sessions where that is not each event after its number once and in order."""
        wrong = {}
        for writer in writers:
            start = self._after.get(writer.session_id, self._admission.last_seq.get(writer.session_id, 0))
            if (heard := self._heard.seqs(writer.session_id)) != numbers(start + 1, EVENTS):
                wrong[f"{writer.session_id} after {start}"] = heard
        return wrong

    async def _hear(self, event: Event) -> None:
        await dawdle(self._random)
        await self._heard.hear(event)


@pytest.mark.parametrize("is_offered", [True, False], ids=["offered", "heard"])
@pytest.mark.parametrize("seed", range(40))
async def test_each_newcomer_hears_each_event_after_its_own_once_and_in_order(
    engine: LocalEngine, project: Project, seed: int, *, is_offered: bool
) -> None:
    log, audience, first, slow = WatchedLog(engine.events), Audience(), Heard(), Random(f"{seed} log")
    log.on_read = lambda _: dawdle(slow)
    room = RoomCursor(project.project_id, log, audience.tell)
    await room.admit({}, first.hear, audience.joining(first))
    line = Room(room, nothing)
    bus = BadBus(Random(f"{seed} bus"))
    newcomers = [Newcomer(Random(f"{seed} newcomer {number}")) for number in range(NEWCOMERS)]
    async with asyncio.TaskGroup() as all_of_it, asyncio.timeout(30):
        all_of_it.create_task(bus.deliver(line.offer if is_offered else room.hear))
        for newcomer in newcomers:
            all_of_it.create_task(newcomer.enter(room, audience, engine, project.project_id))
        names = [f"node_{number}" for number in range(SESSIONS)]
        writing = (write(engine, project, name, bus, Random(f"{seed} {name}")) for name in names)
        writers = await asyncio.gather(*writing)
        bus.close()
    await room.fill()
    await line.close()
    assert {writer.session_id: first.seqs(writer.session_id) for writer in writers} == {
        writer.session_id: numbers(1, EVENTS) for writer in writers
    }
    assert [newcomer.missed_or_doubled(writers) for newcomer in newcomers] == [{}] * NEWCOMERS
