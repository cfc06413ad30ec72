"""The loads under which one server is measured."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.bench_relay.crowd import Listener, Tally, join_all
from tests.bench_relay.peers import Peer

_PATIENCE_SECONDS = 30.0
_SLOW_EVENTS, _SLOW_BATCH, _SLOW_LENGTH = 4_000, 100, 10_000


@dataclass(frozen=True)
class Result:
    """The result of one run: metrics by name, and the number of wrong deliveries."""

    metrics: dict[str, float]
    mistakes: int = 0


@dataclass(frozen=True)
class Scenario:
    """A kind of load.

    Attributes:
        name: as in the table.
        rooms: how many.
        clients: in each room.
        measure: loads a server with joined clients for a number of seconds; returns its metrics.
    """

    name: str
    rooms: int
    clients: int
    measure: "Callable[[Crowd, float], Awaitable[dict[str, float]]]"

    async def run(self, peer: Peer, seconds: float) -> Result:
        """Connect the clients, load the server, disconnect."""
        tally, base, began = Tally(), peer.resident_bytes, time.monotonic()
        listeners = await join_all(peer.port, self.rooms, self.clients, tally)
        connects = len(listeners) / (time.monotonic() - began)
        kilobytes = (peer.resident_bytes - base) / 1_000 / len(listeners)
        crowd = Crowd(self, peer, tally, listeners)
        began, cpu, own = time.monotonic(), peer.cpu_seconds, time.process_time()
        metrics = await self.measure(crowd, seconds)
        took, used, own_used = time.monotonic() - began, peer.cpu_seconds - cpu, time.process_time() - own
        for listener in listeners:
            listener.close()
        return Result(
            {
                "connects/s": connects,
                "kB/connection": kilobytes,
                "server CPU": used / took,
                "clients CPU": own_used / took,
                "deliveries/CPU-s": tally.deliveries / used,
            }
            | metrics,
            tally.mistakes + crowd.missing,
        )


@dataclass
class Crowd:
    """A server and its clients."""

    scenario: Scenario
    peer: Peer
    tally: Tally
    listeners: list[Listener]
    expected: int = 0

    @property
    def missing(self) -> int:
        """Missing or duplicated deliveries."""
        return abs(self.expected - self.tally.deliveries)

    async def until_received(self) -> None:
        """Wait until all published events were received."""
        received = asyncio.Event()

        def end() -> None:
            self.tally.goal = 0
            received.set()

        self.tally.on_goal, self.tally.goal = end, self.expected
        self.tally.add(0)  # the goal may be reached already
        await asyncio.wait_for(received.wait(), _PATIENCE_SECONDS)


def bursts(events: int, in_flight: int) -> Callable[[Crowd, float], Awaitable[dict[str, float]]]:
    """Closed loop: the next burst of `events` to each room once all clients received an earlier one."""

    async def measure(crowd: Crowd, seconds: float) -> dict[str, float]:
        rooms, tally, sent, done = crowd.scenario.rooms, crowd.tally, 0, asyncio.Event()
        burst, until = rooms * crowd.scenario.clients * events, time.monotonic() + seconds

        def next_burst() -> None:
            nonlocal sent
            if time.monotonic() < until:
                crowd.peer.publish(rooms, events)
                sent += 1
                tally.goal = (sent - in_flight + 1) * burst
            elif tally.deliveries >= sent * burst:
                tally.goal = 0
                done.set()
            else:
                tally.goal = min(tally.goal + burst, sent * burst)

        tally.on_goal = next_burst
        for _ in range(in_flight):
            next_burst()
        began = time.monotonic()
        await asyncio.wait_for(done.wait(), seconds + _PATIENCE_SECONDS)
        crowd.expected = sent * burst
        return {"deliveries/s": crowd.expected / (time.monotonic() - began)}

    return measure


def steady(rate: float, rooms_per_tick: int = 1) -> Callable[[Crowd, float], Awaitable[dict[str, float]]]:
    """Open loop: `rate` events a second, evenly spaced, to `rooms_per_tick` rooms at a time."""

    async def measure(crowd: Crowd, seconds: float) -> dict[str, float]:
        scenario, tally = crowd.scenario, crowd.tally
        due = tally.due = {f"p{room}": [] for room in range(scenario.rooms)}
        began, ticks = time.monotonic() + 0.05, round(rate * seconds / rooms_per_tick)
        for tick in range(ticks):
            at = began + tick * rooms_per_tick / rate
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            first = tick * rooms_per_tick % scenario.rooms
            for room in range(first, first + rooms_per_tick):
                due[f"p{room}"].append(at)
            crowd.peer.publish(rooms_per_tick, 1, first=first)
        crowd.expected = ticks * rooms_per_tick * scenario.clients
        await crowd.until_received()
        delays = sorted(tally.delays)
        return {"p50 ms": delays[len(delays) // 2], "p99 ms": delays[len(delays) * 99 // 100]}

    return measure


async def slow_consumer(crowd: Crowd, seconds: float) -> dict[str, float]:
    """One client stops reading while 40 MB go to its room; the others must receive all of it."""
    slow, before, others = crowd.listeners[0], crowd.peer.resident_bytes, crowd.scenario.clients - 1
    slow.tally = Tally()
    slow.transport.pause_reading()
    for _ in range(0, _SLOW_EVENTS, _SLOW_BATCH):
        crowd.peer.publish(1, _SLOW_BATCH, length=_SLOW_LENGTH)
        crowd.expected += _SLOW_BATCH * others
        await crowd.until_received()
    grown = (crowd.peer.resident_bytes - before) / 1_000_000
    slow.transport.resume_reading()
    await _until_over(slow, seconds)
    return {"grown MB": grown, "cut off": slow.tally.lost, "lost in silence": slow.tally.mistakes}


async def _until_over(slow: Listener, seconds: float) -> None:
    """Wait until the slow client has received all, was disconnected, or receives nothing more."""
    received, since = -1, time.monotonic()
    while not slow.tally.lost and slow.tally.deliveries < _SLOW_EVENTS and time.monotonic() - since < seconds:
        if slow.tally.deliveries > received:
            received, since = slow.tally.deliveries, time.monotonic()
        await asyncio.sleep(0.01)


BURSTS = (
    Scenario("1 x 200", 1, 200, bursts(1, 4)),
    Scenario("1 x 1000", 1, 1_000, bursts(1, 4)),
    Scenario("1 x 1000, 4 together", 1, 1_000, bursts(4, 3)),
    Scenario("1 x 5000", 1, 5_000, bursts(1, 4)),
    Scenario("200 x 5", 200, 5, bursts(1, 4)),
    Scenario("200 x 5, 12 in flight", 200, 5, bursts(1, 12)),
)
STEADY = (
    Scenario("1 x 1000, 15 events/s", 1, 1_000, steady(15)),
    Scenario("1 x 1000, 40 events/s", 1, 1_000, steady(40)),
    Scenario("200 x 5, 4000 events/s", 200, 5, steady(4_000, 10)),
)
SLOW = Scenario("slow consumer", 1, 20, slow_consumer)
SCENARIOS = (*BURSTS, *STEADY, SLOW)
# One of each kind, with few clients.
QUICK_SCENARIOS = (BURSTS[0], STEADY[0], SLOW)
