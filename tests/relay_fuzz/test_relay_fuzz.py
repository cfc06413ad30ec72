"""Invalid input and floods for minutes: no memory or task leaks, and well-behaved clients notice nothing."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.relay_fuzz.attacks import ATTACKS
from tests.relay_fuzz.fuzzed_relay import FuzzedRelay, State, fuzzed_relay
from tests.relay_fuzz.fuzzer import Fuzzer
from tests.relay_fuzz.listeners import Listener, listeners

pytestmark = pytest.mark.relay_fuzz

SECONDS = float(os.environ.get("VIBEWIRE_TEST_FUZZ_SECONDS", "300"))
_FUZZERS = 12
# Before memory is measured for the first time: buffers, caches and the interpreter's own pools are as large as ever.
_WARM_UP = 0.4
# A steady stream: 200 events a second in all, as long as all clients keep up.
_EVENTS_PER_ROUND = 5
_PAUSE_SECONDS = 0.05
_ROUNDS_TO_A_VISIT = 20
# After that it was 0.3 to 0.4 MB in five minutes, and 2 MB in half a minute, whose beginning is too short for it.
_MOST_GROWTH_KB = 5_000
# Timers of connections that have just ended hold on to them for some seconds. It is less than one for each attack.
_MOST_MORE_OBJECTS = 1.08
# Log lines that show a fault of the relay itself.
_FAULTS = ("Traceback", "Fatal error", "never retrieved", "was destroyed", "ERROR:", "CRITICAL:")


@pytest.fixture
def seed() -> str:
    chosen = os.environ.get("VIBEWIRE_TEST_SEED", str(random.SystemRandom().randrange(10**6)))
    print(f"VIBEWIRE_TEST_SEED={chosen}")
    return chosen


@asynccontextmanager
async def attacked(fuzzers: list[Fuzzer]) -> AsyncIterator[None]:
    """Run the fuzzers until the block ends."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(fuzzer.run()) for fuzzer in fuzzers]
        yield
        for fuzzer in running:
            fuzzer.cancel()


async def keep_publishing(relay: FuzzedRelay, clients: list[Listener], seconds: float) -> int:
    """Publish steadily while all clients keep up and guests come and go. Returns the number of guests."""
    until = time.monotonic() + seconds
    visits = rounds = 0
    while time.monotonic() < until:
        rounds += 1
        await asyncio.sleep(_PAUSE_SECONDS)
        last = await relay.publish(_EVENTS_PER_ROUND)
        await asyncio.gather(*(one.until_at(last) for one in clients))
        assert [(one.name, one.faults) for one in clients if one.faults] == []
        if rounds % _ROUNDS_TO_A_VISIT == 0:
            visits += 1
            await visit(relay, ["polling", "websocket"][visits % 2 :])
    return visits


async def visit(relay: FuzzedRelay, transports: list[str]) -> None:
    """A guest subscribes with `after` and receives its events."""
    guest = Listener("a guest")
    await guest.subscribe(relay.url, transports, {"one": max(0, relay.published - 7), "two": relay.published})
    await guest.until_at(await relay.publish(1))
    assert guest.faults == []
    await guest.close()


async def settled(relay: FuzzedRelay, before: State) -> State:
    """Wait until the relay holds no more than before."""
    exactly = ("connections", "rooms", "sockets", "environs", "attachments", "callbacks")
    at_most = ("tasks", "transports", "requests", "files")
    return await relay.until(
        lambda now: all(now[one] == before[one] for one in exactly) and all(now[one] <= before[one] for one in at_most)
    )


async def test_minutes_of_invalid_input_and_floods_leak_nothing_and_disturb_no_client(
    seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "relay.log"
    async with fuzzed_relay(log) as relay, listeners(relay.url) as clients:
        fuzzers = [Fuzzer(relay.url, f"{seed}/{number}") for number in range(_FUZZERS)]
        try:
            await keep_publishing(relay, clients, 1)
            before = await busiest_state(relay)
            async with attacked(fuzzers):
                visits = await keep_publishing(relay, clients, SECONDS * _WARM_UP)
            warm = await settled(relay, before)
            async with attacked(fuzzers):
                visits += await keep_publishing(relay, clients, SECONDS * (1 - _WARM_UP))
            after = await settled(relay, before)
            await keep_publishing(relay, clients, 1)
        except BaseException:
            print("\n".join(fuzzer.report() for fuzzer in fuzzers))
            raise
    with capsys.disabled():
        print(f"\n{metrics(fuzzers)}\nevents of each session: {relay.published}; guests: {visits}")
        print(f"held before: {before}\nheld after {_WARM_UP:.0%}: {warm}\nheld at the end: {after}")
    assert faults_in(log) == []
    assert after["resident_kb"] - warm["resident_kb"] < _MOST_GROWTH_KB
    assert after["objects"] < warm["objects"] * _MOST_MORE_OBJECTS
    # The fuzz is only valid if every kind of attack ran, and some clients were dropped.
    assert all(attacks_of(fuzzers)[attack.__name__] > 1 for attack in ATTACKS)
    assert after["drops"] > warm["drops"] > 0


def faults_in(log: Path) -> list[str]:
    """Faults of the relay in its log. python-engineio logs the first bad request of each kind as an error."""
    lines = (line for line in log.read_text().splitlines() if "ERROR:engineio.server:" not in line)
    return [line for line in lines if any(fault in line for fault in _FAULTS)]


async def busiest_state(relay: FuzzedRelay) -> State:
    """The most resources that it holds with the listeners alone; polls make them vary."""
    states = [await relay.state() for _ in range(20)]
    return {name: max(state[name] for state in states) for name in states[0]}


def attacks_of(fuzzers: list[Fuzzer]) -> Counter[str]:
    return sum((fuzzer.attacks for fuzzer in fuzzers), Counter[str]())


def metrics(fuzzers: list[Fuzzer]) -> str:
    sent = sum((fuzzer.input_log.sent for fuzzer in fuzzers), Counter[str]())
    kinds = {"inputs": sent, "attacks": attacks_of(fuzzers)}
    return "\n".join(f"{name}: {counted.total()} {dict(counted.most_common())}" for name, counted in kinds.items())
