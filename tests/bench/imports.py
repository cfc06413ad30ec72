"""What a fresh process pays for the imports of an HTTP function, against the libraries that it cannot do without.

AWS's adapters apart: what they load is in the cold starts of `make bench-cold-start`.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from backend.app.api.application import ALL_ROUTES
from tests.bench.measuring import Row, Samples, alternate, ratio_row
from tests.bench.processes import MEASURED_CORE, on_core
from tests.server_process import ROOT

# As a function does it: its own route, what makes a handler of it, and the services.
_VIBEWIRE = """\
import functions.start
from {module} import {name}
import functions.http_handler, backend.app.wiring"""
_LIBRARIES = "import fastapi, mangum, jwt; from aws_lambda_powertools import Logger, Metrics"
_GOAL = 1.15
_TIMED = """\
import sys, time
began, used = time.perf_counter(), time.process_time()
{imports}
used, took = time.process_time() - used, time.perf_counter() - began
import json
print(json.dumps({{"cpu": used * 1000, "wall": took * 1000, "agents": "agents" in sys.modules}}))
"""


class Imports:
    """Takes the time of an import statement in fresh processes."""

    def __init__(self, statement: str, bytecode: Path) -> None:
        self._script = _TIMED.format(imports=statement)
        # A place of its own, so that bytecode is written and read whatever this environment says.
        self._environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.wall = Samples()
        self.loads_agents = False

    async def import_once(self) -> float:
        """The CPU milliseconds of the imports, the interpreter's own start left out."""
        with on_core(MEASURED_CORE):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                self._script,
                cwd=ROOT,
                env=self._environment,
                stdout=asyncio.subprocess.PIPE,
            )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:  # the time is up: it must not write bytecode while that is removed
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"The import failed: {self._script}")
        result = json.loads(output)
        self.wall.values.append(result["wall"])
        self.loads_agents |= result["agents"]
        return float(result["cpu"])


async def import_rows(rounds: int, bytecode: Path) -> list[Row]:
    """The CPU time of each function's imports, the costliest shown, and whether any loads the Agents SDK."""
    libraries = Imports(_LIBRARIES, bytecode)
    functions = {
        route.name: Imports(_VIBEWIRE.format(module=route.endpoint.__module__, name=route.name), bytecode)
        for route in ALL_ROUTES
    }
    for each in (libraries, *functions.values()):
        await each.import_once()  # writes the bytecode
        each.wall.values.clear()
    reference, *cpu = await alternate(rounds, libraries.import_once, *(each.import_once for each in functions.values()))
    name, costliest = max(zip(functions, cpu, strict=True), key=lambda found: found[1].median)
    agents = float(any(each.loads_agents for each in functions.values()))
    wall = functions[name].wall.median / libraries.wall.median
    note = f"the costliest of {len(functions)} functions, {name}; by the clock {wall:.2f}x"
    return [
        ratio_row("imports of an HTTP function, CPU", reference, costliest, _GOAL, note=note),
        Row("imports of an HTTP function, `agents` loaded", "", "yes" if agents else "no", agents, 0, unit=""),
    ]
