"""`make bench-cost`: what texts of doubling sizes cost, and for how long they block the event loop.

python -m tests.bench.text_cost            every size up to the API's limits
python -m tests.bench.text_cost --quick    the two largest sizes of each kind, in less than a minute
python -m tests.bench.text_cost --strict   ends with 1 where a goal is missed

Each row is one request (or one turn with an edit by hand) through HTTP on the local engine. "CPU" is that of the server
and its child process; "silence" is the longest time that its event loop did not run.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from tests.bench.loop_rows import longest_delay
from tests.bench.measuring import table
from tests.bench.processes import cpu_ms
from tests.bench.seeding import seed_full_messages
from tests.bench.surroundings import machine
from tests.bench.text_cases import TEXT_CASES, WARM_UP, Api, Case, answer_cases
from tests.server_process import ServerProcess

_GOAL_MS = 50.0
# Below this the ratio of two costs says nothing.
_LEAST_MS = 40.0
_MEGABYTES = (1, 2, 4, 8)
_WAIT = aiohttp.ClientTimeout(120)
_HEADER = ("what", "size", "CPU", "to the size before", "silence", "goals")


async def measure(cases: Sequence[Case], server: ServerProcess, sizes: int) -> tuple[list[list[str]], bool]:
    """The rows, and whether all goals are met; only so many of the largest sizes of each case."""
    lines: list[list[str]] = []
    all_met = True
    async with aiohttp.ClientSession(server.url, timeout=_WAIT) as http:
        api = Api(http)
        await WARM_UP.run(api, WARM_UP.sizes[0])
        for case in cases:
            before = 0.0
            for size in case.sizes[-sizes:]:
                await longest_delay(server)
                began = _cpu_ms(server.pid)
                await case.run(api, size)
                cost, silence = _cpu_ms(server.pid) - began, await longest_delay(server)
                ratio = cost / before if before >= _LEAST_MS else None
                met = silence <= _GOAL_MS and (ratio is None or ratio <= case.most)
                all_met = all_met and met
                growth = "" if ratio is None else f"x{ratio:.1f}"
                state = "met" if met else "MISSED"
                lines.append([case.name, f"{size:,} {case.unit}", f"{cost:.0f} ms", growth, f"{silence:.0f} ms", state])
                print(*lines[-1], file=sys.stderr, flush=True)
                before = cost
    return lines, all_met


def _cpu_ms(pid: int) -> float:
    """The CPU of a process and its children, in milliseconds."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has those that it started
    return cpu_ms(pid) + sum(cpu_ms(int(child)) for children in threads for child in children.read_text().split())


def main() -> int:
    """Measure and print. 1 where a goal is missed and that matters."""
    parser = argparse.ArgumentParser(prog="text_cost", description="What texts of doubling sizes cost.")
    parser.add_argument("--quick", action="store_true", help="two sizes of each kind")
    parser.add_argument("--strict", action="store_true", help="a missed goal is an error")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vibewire-bench-") as name:
        full = asyncio.run(seed_full_messages(Path(name), _MEGABYTES))
        with ServerProcess("tests.model_server", "--port", "0", "--pace", "0.01") as model:
            environment = {"VIBEWIRE_DATA_DIR": name, "VIBEWIRE_PORT": "0", "OPENAI_BASE_URL": model.url}
            with ServerProcess("tests.bench.ticked_server", environment=environment) as server:
                cases = (*TEXT_CASES, *answer_cases(full))
                lines, met = asyncio.run(measure(cases, server, 2 if given.quick else 99))
    print(machine(), table(_HEADER, lines), sep="\n\n", flush=True)
    return int(given.strict and not met)


if __name__ == "__main__":
    sys.exit(main())
