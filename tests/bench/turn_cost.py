"""`make bench`: what a turn of Vibewire costs, as ratios against a bare script of the Agents SDK, in one run.

python -m tests.bench.turn_cost            everything, in less than six minutes
python -m tests.bench.turn_cost --quick    fewer samples, in less than one
python -m tests.bench.turn_cost --strict   ends with 1 where a goal is missed
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from tests.bench.bench import Bench
from tests.bench.history_rows import fresh_rows, given_rows
from tests.bench.imports import import_rows
from tests.bench.load_rows import parallel_rows, watcher_rows
from tests.bench.loop_rows import loop_rows
from tests.bench.measuring import Row, table
from tests.bench.plan import FULL, QUICK, Plan
from tests.bench.processes import MEASURED_CORE, OTHER_CORE, JsonProcess
from tests.bench.surroundings import surroundings
from tests.server_process import rehearsal_process

_HEADER = ("what", "reference", "Vibewire", "value", "goal", "", "note")
_STEPS: dict[str, Callable[[Bench], Awaitable[list[Row]]]] = {
    "a fresh session, and 10,000 stored items": fresh_rows,
    "histories that the model is given": given_rows,
    "the event loop": loop_rows,
    "sessions in parallel": parallel_rows,
    "watchers": watcher_rows,
    "imports": lambda bench: import_rows(bench.plan.import_rounds),
}


async def measure(plan: Plan, rows: list[Row]) -> None:
    """Add the rows of all steps, as they come. Raises TimeoutError when the plan's time is up."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vibewire-bench-") as name, rehearsal_process() as model:
        folder = Path(name)
        bare = JsonProcess("tests.bench.bare_script", model.url, str(folder / "bare.sqlite"), core=MEASURED_CORE)
        async with asyncio.timeout(plan.seconds), aiohttp.ClientSession() as http, bare:
            bench = Bench(plan, folder, model.url, bare, http)
            for what, step in _STEPS.items():
                print(f"{time.monotonic() - began:5.0f} s  {what} ...", file=sys.stderr, flush=True)
                rows += await step(bench)
    print(f"{time.monotonic() - began:5.0f} s  done", file=sys.stderr, flush=True)


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
        asyncio.run(measure(QUICK if given.quick else FULL, rows))
    except TimeoutError:
        print("The time is up: what follows is not all.", file=sys.stderr)
        return 1
    finally:
        print(before, table(_HEADER, [row.cells() for row in rows]), sep="\n\n", flush=True)
    return int(given.strict and not all(row.met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
