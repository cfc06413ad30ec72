"""What a fresh process pays for the imports of an HTTP function, against the libraries that it cannot do without."""

import asyncio
import json
import os
import sys
from pathlib import Path

from tests.bench.measuring import Row, Samples, ratio_row, take_turns
from tests.bench.processes import MEASURED_CORE, on_core
from tests.server_process import ROOT

_VIBEWIRE = "import backend.app.api.application, backend.app.wiring"
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
        output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"The import failed: {self._script}")
        told = json.loads(output)
        self.wall.values.append(told["wall"])
        self.loads_agents |= told["agents"]
        return float(told["cpu"])


async def import_rows(rounds: int, bytecode: Path) -> list[Row]:
    """The CPU time of the imports, and whether they load the Agents SDK."""
    libraries, vibewire = Imports(_LIBRARIES, bytecode), Imports(_VIBEWIRE, bytecode)
    for each in (libraries, vibewire):
        await each.import_once()  # writes the bytecode
        each.wall.values.clear()
    cpu = await take_turns(rounds, libraries.import_once, vibewire.import_once)
    agents = float(vibewire.loads_agents)
    wall = vibewire.wall.median / libraries.wall.median
    note = f"the reference is the libraries alone; by the clock {wall:.2f}x"
    return [
        ratio_row("imports of the HTTP API, CPU", cpu[0], cpu[1], _GOAL, note=note),
        Row("imports of the HTTP API, `agents` loaded", "", "yes" if agents else "no", agents, 0, unit=""),
    ]
