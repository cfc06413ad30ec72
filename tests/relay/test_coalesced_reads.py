"""Many clients that come back at once cost a handful of reads, and each gets exactly what it missed."""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest

from backend.relay.metrics import RelayMetrics
from backend.relay.relay import Relay
from backend.relay.rooms.coalesced_readers import CoalescedEventLog, SharedAccess
from backend.relay.rooms.coalesced_reads import CoalescedReads
from backend.relay.rooms.encoding import encode
from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.rooms import Fanout
from backend.relay.settings import RelaySettings
from shared.events import Event, SessionDeletedEvent
from shared.identity import LocalAuthenticator
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, MemoryLog, OpenAccess, event_of, live_relay
from tests.relay.rooms import Heard, numbers

CLIENTS = 1_000
SETTINGS = RelaySettings(fill_seconds=3_600, access_seconds=3_600)


async def nothing(*_: object) -> None:
    pass


def event_cache(most_bytes: int = 10_000, seconds: float = 10, now: list[float] | None = None) -> EventCache:
    return EventCache(most_bytes, seconds, lambda: now[0] if now else 0.0)


async def come_back(fanout: Fanout, number: int, after: int) -> list[int]:
    """What a returning client is sent before it hears the room."""
    heard = Heard()
    await fanout.enter(PROJECT, f"sid-{number}", {SESSION: after}, heard.hear, nothing)
    return heard.seqs(SESSION)


async def check_returning(log: MemoryLog, fanout: Fanout, afters: list[int]) -> int:
    """Have them all back at once; how many reads that took."""
    before = log.reads
    sent = await asyncio.gather(*(come_back(fanout, number, after) for number, after in enumerate(afters)))
    last = len(log.sessions[SESSION])
    assert sent == [numbers(after + 1, last) for after in afters]
    return log.reads - before


@pytest.mark.parametrize("spread", [0, 20, 150])
async def test_a_thousand_clients_back_at_once_after_a_restart_of_the_relay_cost_a_handful_of_reads(
    spread: int,
) -> None:
    log, random = MemoryLog(), Random(spread)
    for _ in range(1_000):
        log.append()
    fanout = Fanout(log, event_cache(1_000_000), lambda *_: None, nothing, SETTINGS)
    afters = [900 - random.randint(0, spread) for _ in range(CLIENTS)]
    assert await check_returning(log, fanout, afters) <= 12
    assert log.most_at_once <= SETTINGS.max_log_reads
    await fanout.close()


async def test_a_thousand_clients_back_at_once_to_a_room_that_was_heard_all_along_cost_a_handful() -> None:
    log, told = MemoryLog(), asyncio.Event()

    def emit(_project_id: str, event: Event) -> None:
        if getattr(event, "seq", 0) == 300:
            told.set()

    fanout = Fanout(log, event_cache(1_000_000), emit, nothing, SETTINGS)
    await fanout.enter(PROJECT, "stays", {}, nothing, nothing)
    room = fanout._rooms[PROJECT]
    for _ in range(300):
        room.offer(log.append())
    await told.wait()
    afters = [Random(number).randint(0, 300) for number in range(CLIENTS)]
    assert await check_returning(log, fanout, afters) <= 4
    await fanout.close()


async def test_a_thousand_subscriptions_ask_for_access_a_handful_of_times() -> None:
    access = OpenAccess()
    shared = SharedAccess(access, asyncio.Semaphore(8))
    answers = await asyncio.gather(*(shared.find_access(PROJECT) for _ in range(CLIENTS)))
    assert {answer.owner for answer in answers if answer} == {"local"}
    assert access.asked <= 2


async def test_real_clients_that_return_at_once_share_their_reads() -> None:
    async def subscribe(live: LiveRelay) -> list[int]:
        async with live.watcher() as watcher:
            await watcher.subscribe(PROJECT, {SESSION: 100})
            return [event["seq"] for event in watcher.events]

    async with live_relay() as live:
        for _ in range(150):
            live.log.append()
        heard = await asyncio.gather(*(subscribe(live) for _ in range(30)))
        assert heard == [numbers(101, 150)] * 30
        assert live.log.reads <= 20
        assert live.metrics.log_reads == live.log.reads


async def test_an_answer_comes_from_a_read_that_began_after_the_question() -> None:
    reads, value, random = CoalescedReads[int](asyncio.Semaphore(3)), 0, Random(5)

    async def make() -> int:
        found = value
        await asyncio.sleep(random.uniform(0, 0.003))
        return found

    async def ask() -> None:
        nonlocal value
        await asyncio.sleep(random.uniform(0, 0.05))
        value += 1
        written = value
        assert await reads.read("key", make) >= written

    await asyncio.gather(*(ask() for _ in range(500)))


async def test_a_failed_read_fails_those_who_shared_it_and_nobody_after() -> None:
    reads, calls = CoalescedReads[int](asyncio.Semaphore(1)), 0

    async def make() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise ConnectionError("not now")
        return calls

    answers = await asyncio.gather(*(reads.read("key", make) for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 5
    assert await reads.read("key", make) == 2


async def test_one_who_no_longer_waits_takes_the_read_from_nobody() -> None:
    reads, go_on = CoalescedReads[int](asyncio.Semaphore(1)), asyncio.Event()

    async def make() -> int:
        await go_on.wait()
        return 7

    first, second = (asyncio.create_task(reads.read("key", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == 7


async def test_closing_gives_up_what_is_under_way() -> None:
    reads = CoalescedReads[None](asyncio.Semaphore(1))
    asked = [asyncio.create_task(reads.read(key, asyncio.Event().wait)) for key in "aab"]  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    await reads.close()
    assert all(isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*asked, return_exceptions=True))


def test_recent_events_are_bounded_by_size_and_by_age() -> None:
    now = [0.0]
    events = event_cache(10 * len(encode(event_of(10)).frame) + 50, 10, now)
    for seq in range(1, 31):
        events.add(event_of(seq))
    assert len(events) == 10
    assert [event.seq for event in events.after(SESSION, 20, 100)] == numbers(21, 30)
    assert events.after(SESSION, 19, 100) == []
    now[0] = 10.1
    assert events.after(SESSION, 20, 100) == []
    assert len(events) == 0


def test_recent_events_end_at_the_first_that_is_missing() -> None:
    events = event_cache()
    for seq in (1, 2, 4, 5):
        events.add(event_of(seq))
    assert [event.seq for event in events.after(SESSION, 0, 100)] == [1, 2]
    assert [event.seq for event in events.after(SESSION, 3, 1)] == [4]
    assert [event.seq for event in events.after(SESSION, 3, 100, up_to=4)] == [4]


async def test_nothing_of_a_deleted_session_is_replayed_from_memory() -> None:
    log, limit = MemoryLog(), asyncio.Semaphore(8)
    events = event_cache()
    shared = CoalescedEventLog(log, events, limit, RelayMetrics())
    for _ in range(5):
        events.add(log.append())
    log.sessions[SESSION].append(
        SessionDeletedEvent(
            session_id=SESSION, project_id=PROJECT, seq=6, attempt=0, event_id="deleted", created_at=datetime.now(UTC)
        )
    )
    page = await shared.read_events(PROJECT, SESSION, 0)
    assert page is not None
    assert page.deleted
    assert [event.seq for event in page.events] == [6]


async def test_a_session_of_another_project_is_nobody_elses_from_memory_either() -> None:
    log, events = MemoryLog(), event_cache()
    shared = CoalescedEventLog(log, events, asyncio.Semaphore(8), RelayMetrics())
    events.add(log.append())
    assert await shared.read_events("another", SESSION, 0) is None


async def test_the_relay_reads_who_may_hear_together() -> None:
    access = OpenAccess()
    relay = Relay(LocalAuthenticator(), access, MemoryLog(), SETTINGS)
    await asyncio.gather(*(relay._access.find_access(PROJECT) for _ in range(100)))
    assert access.asked <= 2
