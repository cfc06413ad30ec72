"""`make bench-relay`: the relay against Node's socket.io under one load of clients, in one run.

python -m tests.bench_relay.run                   three rounds, interleaved, and the table of docs/benchmarks.md
python -m tests.bench_relay.run --quick           three scenarios once, printed only
python -m tests.bench_relay.run --only "200 x 5"  one scenario, printed only
"""

import argparse
import asyncio
import os
import resource
import sys

import uvloop

from tests.bench.processes import OTHER_CORE
from tests.bench_relay.peers import peers, running
from tests.bench_relay.report import Runs, publish, tables
from tests.bench_relay.scenarios import QUICK_SCENARIOS, SCENARIOS, Result, Scenario


async def measure(scenario: Scenario, peer_name: str, seconds: float) -> Result:
    """Measure one server under one load."""
    with running(peer_name) as peer:
        return await scenario.run(peer, seconds)


def main() -> int:
    """Measure and print. Returns 1 if a delivery was missing, duplicated or reordered."""
    parser = argparse.ArgumentParser(prog="bench_relay", description="The relay against Node's socket.io.")
    parser.add_argument("--quick", action="store_true", help="three scenarios once; nothing is written")
    parser.add_argument("--only", metavar="SCENARIO", help="only what is named so; nothing is written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    rounds, seconds = (1, 1.0) if given.quick else (given.rounds, given.seconds)
    names = peers()
    os.sched_setaffinity(0, {OTHER_CORE})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # 5,000 clients; the servers inherit it
    runs = Runs()
    scenarios = QUICK_SCENARIOS if given.quick else SCENARIOS
    chosen = [one for one in scenarios if given.only in (None, one.name)]
    for number in range(rounds):
        for scenario in chosen:
            for name in names:
                result = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(measure(scenario, name, seconds))
                print(f"{number + 1}/{rounds} {runs.add(scenario.name, name, result)}", flush=True)
    print("\n" + tables(runs))
    if not given.quick and given.only is None:
        publish(runs)
    return 1 if runs.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
