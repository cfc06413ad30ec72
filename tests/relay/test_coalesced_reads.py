"""Many clients that reconnect concurrently cost a few reads, and each gets exactly what it missed."""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest

from backend.relay.metrics import RelayMetrics
from backend.relay.relay import Relay
from backend.relay.rooms.coalesced_readers import CoalescedAccess, CoalescedEventLog
from backend.relay.rooms.coalesced_reads import CoalescedReads
from backend.relay.rooms.rooms import MAX_LOG_READS, Rooms
from backend.relay.settings import RelaySettings
from backend.relay.transport.event_frames import FrameEncoder
from shared.events import Event, SessionDeletedEvent
from shared.identity import LocalAuthenticator
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay, MemoryLog, OpenAccess, event_of, live_relay
from tests.relay.room_fixtures import Recorder, event_cache, numbers

CLIENTS = 1_000
NEVER = 3_600.0


async def nothing(*_: object) -> None:
    pass


async def reconnect(rooms: Rooms, number: int, after: int) -> list[int]:
    """The events that a reconnecting client is sent before it joins the room."""
    subscriber = Recorder(sid=f"sid-{number}")
    await rooms.subscribe(PROJECT, subscriber, {SESSION: after})
    return subscriber.seqs(SESSION)


async def check_reconnects(log: MemoryLog, rooms: Rooms, afters: list[int]) -> int:
    """Reconnect all clients concurrently. Returns how many reads that took."""
    before = log.reads
    sent = await asyncio.gather(*(reconnect(rooms, number, after) for number, after in enumerate(afters)))
    last = len(log.sessions[SESSION])
    assert sent == [numbers(after + 1, last) for after in afters]
    return log.reads - before


@pytest.mark.parametrize("spread", [0, 20, 150])
async def test_a_thousand_clients_that_reconnect_after_a_restart_cost_a_few_reads(
    spread: int,
) -> None:
    log, random = MemoryLog(), Random(spread)
    for _ in range(1_000):
        log.append()
    rooms = Rooms(log, event_cache(), lambda *_: None, nothing, NEVER)
    afters = [900 - random.randint(0, spread) for _ in range(CLIENTS)]
    assert await check_reconnects(log, rooms, afters) <= 12
    assert log.max_concurrent_reads <= MAX_LOG_READS
    await rooms.close()


async def test_a_thousand_clients_that_reconnect_to_an_open_room_cost_a_few_reads() -> None:
    log, emitted = MemoryLog(), asyncio.Event()

    def emit(_project_id: str, event: Event) -> None:
        if getattr(event, "seq", 0) == 300:
            emitted.set()

    rooms = Rooms(log, event_cache(), emit, nothing, NEVER)
    await rooms.subscribe(PROJECT, Recorder(), {})
    room = rooms._rooms[PROJECT]
    for _ in range(300):
        room.offer(log.append())
    await emitted.wait()
    afters = [Random(number).randint(0, 300) for number in range(CLIENTS)]
    assert await check_reconnects(log, rooms, afters) <= 4
    await rooms.close()


async def test_a_thousand_subscriptions_cost_a_few_reads_of_access() -> None:
    access = OpenAccess()
    shared = CoalescedAccess(access, asyncio.Semaphore(8))
    answers = await asyncio.gather(*(shared.find_access(PROJECT) for _ in range(CLIENTS)))
    assert {answer.owner for answer in answers if answer} == {"local"}
    assert access.reads <= 2


async def test_real_clients_that_reconnect_concurrently_share_their_reads() -> None:
    async def subscribe(live: LiveRelay) -> list[int]:
        async with live.watcher() as watcher:
            await watcher.subscribe(PROJECT, {SESSION: 100})
            return [event["seq"] for event in watcher.events]

    async with live_relay() as live:
        for _ in range(150):
            live.log.append()
        received = await asyncio.gather(*(subscribe(live) for _ in range(30)))
        assert received == [numbers(101, 150)] * 30
        assert live.log.reads <= 20
        assert live.metrics.log_reads == live.log.reads


async def test_a_result_comes_from_a_read_that_started_after_the_call() -> None:
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


async def test_a_failed_read_fails_for_the_callers_that_shared_it_only() -> None:
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


async def test_a_cancelled_caller_does_not_cancel_the_read_of_others() -> None:
    reads, go_on = CoalescedReads[int](asyncio.Semaphore(1)), asyncio.Event()

    async def make() -> int:
        await go_on.wait()
        return 7

    first, second = (asyncio.create_task(reads.read("key", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == 7


async def test_closing_cancels_running_and_queued_reads() -> None:
    reads = CoalescedReads[None](asyncio.Semaphore(1))
    asked = [asyncio.create_task(reads.read(key, asyncio.Event().wait)) for key in "aab"]  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    await reads.close()
    assert all(isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*asked, return_exceptions=True))


def test_cached_events_are_bounded_by_size_and_by_age() -> None:
    now = [0.0]
    events = event_cache(10 * len(FrameEncoder().encode(event_of(10))) + 50, 10, lambda: now[0])
    for seq in range(1, 31):
        events.add(event_of(seq))
    assert len(events) == 10
    assert [event.seq for event in events.after(SESSION, 20, 100)] == numbers(21, 30)
    assert events.after(SESSION, 19, 100) == []
    now[0] = 10.1
    assert events.after(SESSION, 20, 100) == []
    assert len(events) == 0


def test_cached_events_end_at_the_first_missing_one() -> None:
    events = event_cache()
    for seq in (1, 2, 4, 5):
        events.add(event_of(seq))
    assert [event.seq for event in events.after(SESSION, 0, 100)] == [1, 2]
    assert [event.seq for event in events.after(SESSION, 3, 1)] == [4]
    assert [event.seq for event in events.after(SESSION, 3, 100, up_to=4)] == [4]


async def test_nothing_of_a_deleted_session_is_replayed_from_the_cache() -> None:
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


async def test_a_session_of_another_project_is_not_replayed_from_the_cache() -> None:
    log, events = MemoryLog(), event_cache()
    shared = CoalescedEventLog(log, events, asyncio.Semaphore(8), RelayMetrics())
    events.add(log.append())
    assert await shared.read_events("another", SESSION, 0) is None


async def test_the_relay_coalesces_reads_of_access() -> None:
    access = OpenAccess()
    relay = Relay(LocalAuthenticator(), access, MemoryLog(), RelaySettings())
    await asyncio.gather(*(relay._access.find_access(PROJECT) for _ in range(100)))
    assert access.reads <= 2
