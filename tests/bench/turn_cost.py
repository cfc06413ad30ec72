"""`make bench`: what a turn of Vibewire costs, as ratios against a bare script of the Agents SDK, in one run.

python -m tests.bench.turn_cost            everything, in less than six minutes
python -m tests.bench.turn_cost --quick    fewer samples, in less than one
python -m tests.bench.turn_cost --strict   ends with 1 where a goal is missed
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import aiohttp
import uvloop

from tests.bench.bench import Bench
from tests.bench.imports import import_rows
from tests.bench.measuring import Row, table
from tests.bench.plan import FULL, QUICK, Plan
from tests.bench.processes import MEASURED_CORE, OTHER_CORE, JsonProcess
from tests.bench.servers import default_rows, given_rows
from tests.bench.surroundings import surroundings
from tests.server_process import model_process

_HEADER = ("what", "reference", "Vibewire", "value", "goal", "", "note")


async def measure(plan: Plan, rows: list[Row]) -> None:
    """Add all rows, as they come. Raises TimeoutError when the plan's time is up."""
    running = asyncio.current_task()
    assert running is not None
    # As Ctrl-C does: whatever was started is stopped first.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    with tempfile.TemporaryDirectory(prefix="vibewire-bench-") as name, model_process() as model:
        folder = Path(name)
        bare = JsonProcess("tests.bench.bare_script", model.url, str(folder / "bare.sqlite"), core=MEASURED_CORE)
        async with asyncio.timeout(plan.seconds), aiohttp.ClientSession() as http, bare:
            bench = Bench(plan, folder, model.url, bare, http, rows)
            await default_rows(bench)
            await given_rows(bench)
            bench.progress("imports")
            rows += await import_rows(plan.import_rounds, folder / "bytecode")
            bench.progress("done")


def main() -> int:
    """Measure and print. 1 where a goal is missed and that matters, or where something was not measured."""
    parser = argparse.ArgumentParser(prog="turn_cost", description="What a turn of Vibewire costs.")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--strict", action="store_true", help="a missed goal is an error")
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHER_CORE})
    rows: list[Row] = []
    before = surroundings()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(QUICK if given.quick else FULL, rows))
    except TimeoutError:
        print("The time is up: what follows is not all.", file=sys.stderr)
        return 1
    finally:
        print(before, table(_HEADER, [row.cells() for row in rows]), sep="\n\n", flush=True)
    return int(given.strict and not all(row.met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
