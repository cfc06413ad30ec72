"""`make bench-start`: how soon the process of `make run` answers, beside the bare import of the Agents SDK.

Both in fresh processes that take turns, with bytecode written before. Then how long the server is silent at most while
it imports the SDK beside serving, and when the first turn has ended.
"""

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tests.bench.measuring import Samples
from tests.server_process import ROOT, clean_environment

_WAIT_SECONDS = 120.0
_ROUNDS, _QUICK_ROUNDS = 7, 2
_POLL_SECONDS = 0.005
_PROMPT = {"prompt": "Create a triage agent"}


class Start:
    """What one start of the process showed, in milliseconds."""

    def __init__(self) -> None:
        self.healthy, self.first_turn, self.silence = Samples(), Samples(), Samples()

    async def measure(self, data_dir: Path, environment: dict[str, str]) -> None:
        """Start the process, ask for its health until it answers, and send a message immediately."""
        port = _free_port()
        settings = {
            "VIBEWIRE_PORT": str(port),
            "VIBEWIRE_DATA_DIR": str(data_dir),
            "VIBEWIRE_DEMO_PACE_SECONDS": "0",
        }
        began = time.perf_counter()
        with _process(["-m", "backend.local.main"], environment | settings) as is_alive:
            async with asyncio.timeout(_WAIT_SECONDS), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
                await _until_healthy(http, is_alive)
                self.healthy.values.append(_since(began))
                turn = asyncio.create_task(_first_turn(http))
                longest = 0.0
                while not turn.done():
                    asked = time.perf_counter()
                    await _until_healthy(http, is_alive)
                    longest = max(longest, _since(asked))
                    await asyncio.sleep(_POLL_SECONDS)
                await turn
                self.first_turn.values.append(_since(began))
                self.silence.values.append(longest)


async def _until_healthy(http: aiohttp.ClientSession, is_alive: Callable[[], bool]) -> None:
    while is_alive():
        try:
            async with http.get("/health") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(_POLL_SECONDS)
    raise RuntimeError("the server ended at its start")


async def _first_turn(http: aiohttp.ClientSession) -> None:
    project = await (await http.post("/projects", json={"name": "Start"})).json()
    session = await (await http.post(f"/projects/{project['project_id']}/sessions")).json()
    message = await (await http.post(f"/sessions/{session['session_id']}/messages", json=_PROMPT)).json()
    while message["status"] in ("queued", "running"):
        message = await (await http.get(f"/messages/{message['message_id']}")).json()
    if message["status"] != "completed":
        raise RuntimeError(f"the first turn did not complete: {message['error']}")


def _import_agents(environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import agents"], cwd=ROOT, env=environment, check=True)
    return _since(began)


@contextmanager
def _process(arguments: list[str], environment: dict[str, str]) -> Iterator[Callable[[], bool]]:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield lambda: process.poll() is None
    finally:
        process.terminate()
        process.wait(_WAIT_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


async def _run(rounds: int) -> None:
    with TemporaryDirectory(prefix="vibewire-start-") as folder:
        environment = clean_environment() | {"PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        await Start().measure(Path(folder, "first"), environment)  # writes the bytecode
        start, agents = Start(), Samples()
        for number in range(rounds):
            agents.values.append(_import_agents(environment))
            await start.measure(Path(folder, str(number)), environment)
    ratio = start.healthy.median / agents.median
    for name, samples in {
        "python -c 'import agents'": agents,
        "make run's process: first 200 of /health": start.healthy,
        "make run's process: a message sent then is answered": start.first_turn,
        "longest answer of /health until then": start.silence,
    }.items():
        low, high = min(samples.values), max(samples.values)
        print(f"{name:<52} {samples.median:8.0f} ms  [{low:.0f}-{high:.0f}]")
    print(f"/health against the bare import: {ratio:.2f}x; medians of {rounds} rounds")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works")
    asyncio.run(_run(_QUICK_ROUNDS if parser.parse_args().quick else _ROUNDS))


if __name__ == "__main__":
    main()
