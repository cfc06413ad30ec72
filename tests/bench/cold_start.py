"""`make bench-cold-start`: how long each function's artifact takes to start, against one with the libraries alone.

The references are built the same way, from the same locked lists, trimmed and compiled alike. Each start is a new
runtime in the emulator. What counts is the CPU time of its process until its handler was ready and had refused an event
that is none: a Lambda's share of a core turns that into time. The note has the INIT REPORT's durations, by the clock.
Functions and references take turns.

python -m tests.bench.cold_start --rounds 7
python -m tests.bench.cold_start --quick    three functions, once
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from backend.app.api.application import ALL_ROUTES
from tests.bench.measuring import Row, Samples, ratio_row, table
from tests.bench.surroundings import surroundings
from tests.emulator.emulator import ARTIFACTS, ROOT, EmulatedFunction, FunctionDiedError
from tests.emulator.runtime import find_interpreter, install_runtime_client
from tests.emulator.world import World
from tests.identity.issuer import TokenIssuer
from tests.moto_server import start_moto

_HEADER = ("what", "reference", "Vibewire", "value", "goal", "", "note")
_HTTP_GOAL = 1.15
_RUN_TURN_GOAL = 1.1
_QUICK_NAMES = ("get_health", "send_message", "run_turn")
# What no function of the kind could do without, used as sparsely as can be.
_HTTP_REFERENCE = """\
import boto3
import jwt
from aws_lambda_powertools import Logger, Metrics
from fastapi import FastAPI
from mangum import Mangum

logger, metrics = Logger(service="reference"), Metrics(namespace="reference", service="reference")
table = boto3.client("dynamodb", region_name="us-east-1")
app = FastAPI()


@app.get("/health")
async def get_health() -> dict[str, str]:
    return {"status": "ok"}


handler = Mangum(app, lifespan="off")
"""
_RUN_TURN_REFERENCE = """\
import agents
import boto3


def handler(event, context):
    return {"batchItemFailures": []}
"""


@dataclass
class Starts:
    """Starts artifacts, again and again."""

    interpreter: str
    client: Path
    folder: Path
    world: World

    def start(self, module: str, artifact: Path | None = None) -> tuple[float, float]:
        """Milliseconds of CPU that a new process used, and by the clock until its handler was ready."""
        function = EmulatedFunction(
            module, self.interpreter, self.client, self.folder, self.world.environment, artifact=artifact
        )
        with function:
            try:
                function.invoke({})  # the emulator starts the runtime with the first event; it has no valid answer
            except FunctionDiedError as error:
                if "INIT REPORT" not in str(error):
                    raise
            return _cpu_ms(function.runtime_pid()), function.cold_start_ms


def build_reference(like: str, source: str, interpreter: str, folder: Path) -> Path:
    """An artifact with the libraries of a function's, and a handler of its own; as compiled."""
    artifact = folder / like
    shutil.copytree(ARTIFACTS / like, artifact)
    for own in ("backend", "shared", "functions"):
        shutil.rmtree(artifact / own)
    (artifact / "functions").mkdir()
    (artifact / "functions" / "__init__.py").touch()
    (artifact / "functions" / "reference.py").write_text(source)
    compile_command = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compile_command, str(artifact / "functions")], check=True)
    return artifact


def _cpu_ms(pid: int) -> float:
    """What all threads of a process were on a core for (Linux: the first number of schedstat, in nanoseconds)."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


@dataclass
class Measured:
    """Samples of one artifact."""

    cpu: Samples = field(default_factory=Samples)
    clock: Samples = field(default_factory=Samples)

    def add(self, taken: tuple[float, float]) -> None:
        self.cpu.values.append(taken[0])
        self.clock.values.append(taken[1])


def measure(starts: Starts, rounds: int, names: Sequence[str]) -> list[Row]:
    """A row for each of these functions."""
    http = build_reference("GetHealthFunction", _HTTP_REFERENCE, starts.interpreter, starts.folder)
    turn = build_reference("RunTurnFunction", _RUN_TURN_REFERENCE, starts.interpreter, starts.folder)
    references = {name: turn if name == "run_turn" else http for name in names}
    for artifact in (http, turn):  # has the files read
        starts.start("reference", artifact)
    of_reference = {name: Measured() for name in names}
    found = {name: Measured() for name in names}
    for number in range(rounds):
        for name in names:
            of_reference[name].add(starts.start("reference", references[name]))
            found[name].add(starts.start(name))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return [_row(name, of_reference[name], found[name]) for name in names]


def _row(name: str, reference: Measured, found: Measured) -> Row:
    goal = _RUN_TURN_GOAL if name == "run_turn" else _HTTP_GOAL
    note = f"by the clock {found.clock.median:.0f} ms, {found.clock.median / reference.clock.median:.2f}x"
    return ratio_row(f"cold start of {name}, CPU", reference.cpu, found.cpu, goal, note=note)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="cold_start", description="How long the functions take to start.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="three functions, once")
    given = parser.parse_args()
    names = _QUICK_NAMES if given.quick else [*(route.name for route in ALL_ROUTES), "run_turn"]
    interpreter = find_interpreter()
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="cold-start-", dir=ROOT / ".aws-sam")))
        moto, issuer = closing.enter_context(start_moto()), closing.enter_context(TokenIssuer())
        world = World.build(moto, issuer, "http://127.0.0.1:9/v1", folder / "memory")
        starts = Starts(interpreter, install_runtime_client(interpreter), folder, world)
        before = surroundings()
        rows = measure(starts, 1 if given.quick else given.rounds, names)
    print(before, table(_HEADER, [row.cells() for row in rows]), sep="\n\n")


if __name__ == "__main__":
    main()
