"""Deliveries per CPU-second of the relay and of Node's socket.io: `python -m tests.bench_relay.run NODE_MODULES`."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import uvloop

from tests.bench_relay.crowd import Listener, Tally
from tests.server_process import ROOT

_TICKS = os.sysconf("SC_CLK_TCK")
_AT_ONCE = 32


@dataclass(frozen=True)
class Scenario:
    """Rooms, clients in each, events in a burst to each room, bursts in flight."""

    name: str
    rooms: int
    clients: int
    events: int
    window: int


SCENARIOS = (
    Scenario("1x200 k=1 W=4", 1, 200, 1, 4),
    Scenario("1x1000 k=1 W=4", 1, 1_000, 1, 4),
    Scenario("1x1000 k=4 W=3", 1, 1_000, 4, 3),
    Scenario("200x5 W=3", 200, 5, 1, 3),
)
SERVERS = {
    "relay": [sys.executable, "-m", "tests.bench_relay.relay_server"],
    "relay, stock path": [sys.executable, "-m", "tests.bench_relay.relay_server", "--stock"],
    "node": ["node", "tests/bench_relay/node_server.js"],
}


@dataclass(frozen=True)
class Result:
    """What one run gave."""

    per_cpu_second: float
    server_cpu: float
    client_cpu: float
    connects_per_second: float
    kilobytes_per_connection: float
    mistakes: int


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_kilobytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_024


async def join_all(port: int, scenario: Scenario, tally: Tally) -> list[Listener]:
    loop, gate, listeners = asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE), []

    async def join(room: int) -> None:
        async with gate:
            _, listener = await loop.create_connection(lambda: Listener(f"p{room}", tally), "127.0.0.1", port)
            listeners.append(listener)
            await listener.joined

    await asyncio.gather(*(join(room) for room in range(scenario.rooms) for _ in range(scenario.clients)))
    return listeners


async def drive(control: IO[str], scenario: Scenario, tally: Tally, seconds: float) -> int:
    """Keep so many bursts in flight for so long, and wait until all is in. Returns what should have come."""
    burst = scenario.rooms * scenario.clients * scenario.events
    sent, until = 0, time.monotonic() + seconds
    done = asyncio.Event()

    def next_burst() -> None:
        nonlocal sent
        if time.monotonic() < until:
            control.write(f"{scenario.rooms} {scenario.events}\n")
            control.flush()
            sent += 1
            tally.goal = (sent - scenario.window + 1) * burst
        elif tally.deliveries >= sent * burst:
            tally.goal = 0
            done.set()
        else:
            tally.goal = min(tally.goal + burst, sent * burst)

    tally.on_goal = next_burst
    for _ in range(scenario.window):
        next_burst()
    await asyncio.wait_for(done.wait(), seconds + 20)
    return sent * burst


async def measure(server: list[str], scenario: Scenario, seconds: float, node_modules: str) -> Result:
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else happens meanwhile
        ["taskset", "-c", "0", *server],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"NODE_PATH": node_modules},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().strip().rsplit(":", 1)[1])
        tally, base = Tally(), resident_kilobytes(process.pid)
        began = time.monotonic()
        listeners = await join_all(port, scenario, tally)
        connecting = time.monotonic() - began
        memory = (resident_kilobytes(process.pid) - base) / len(listeners)
        before, own = cpu_seconds(process.pid), time.process_time()
        expected = await drive(process.stdin, scenario, tally, seconds)
        server_cpu, client_cpu = cpu_seconds(process.pid) - before, time.process_time() - own
        mistakes = tally.mistakes + abs(expected - tally.deliveries)
        for listener in listeners:
            listener.close()
        return Result(
            expected / server_cpu,
            server_cpu / seconds,
            client_cpu / seconds,
            len(listeners) / connecting,
            memory,
            mistakes,
        )
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Measure, interleaved, and print the medians."""
    node_modules, rounds, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    os.sched_setaffinity(0, {1})
    found: dict[tuple[str, str], list[Result]] = {}
    for _ in range(rounds):
        for scenario in SCENARIOS:
            for name, server in SERVERS.items():
                result = uvloop.run(measure(server, scenario, seconds, node_modules))
                found.setdefault((scenario.name, name), []).append(result)
                print(f"{scenario.name:16} {name:18} {result}", flush=True)
    print(
        f"\nload average {os.getloadavg()}\n"
        "| scenario | server | deliveries per CPU-second [min-max] | of node | mistakes |"
    )
    for (scenario_name, name), results in found.items():
        rates = [one.per_cpu_second for one in results]
        node = statistics.median(one.per_cpu_second for one in found[scenario_name, "node"])
        rate = statistics.median(rates)
        spread = f"{rate:,.0f} [{min(rates):,.0f}-{max(rates):,.0f}]"
        print(f"| {scenario_name} | {name} | {spread} | {rate / node:.2f} | {sum(one.mistakes for one in results)} |")


if __name__ == "__main__":
    main()
