"""For how long one turn holds the event loop, and with it all other sessions."""

import asyncio
import json
import os
import signal

from tests.bench.bench import Bench
from tests.bench.history_rows import ALL_TOKENS
from tests.bench.measuring import Row, Samples
from tests.bench.processes import MEASURED_CORE, on_core
from tests.bench.seeding import seed_talks
from tests.bench.vibewire_client import Talk, VibewireClient
from tests.server_process import ServerProcess

ITEMS = 2_000
_GOAL_MS = 50.0
_ANSWER_SECONDS = 5.0


async def loop_rows(bench: Bench) -> list[Row]:
    """The longest delay of a ticker on the server's event loop during turns with a long history."""
    data_dir = bench.folder / "ticked"
    (talk,) = await seed_talks(data_dir, ITEMS)
    environment = {
        "VIBEWIRE_DATA_DIR": str(data_dir),
        "VIBEWIRE_PORT": "0",
        "VIBEWIRE_HISTORY_TOKENS": ALL_TOKENS,
        "OPENAI_BASE_URL": bench.model_url,
    }
    with on_core(MEASURED_CORE):
        server = ServerProcess("tests.bench.ticked_server", environment=environment)
    with server:
        async with VibewireClient(server) as client:
            await client.hear(talk.project_id)
            await client.turns(talk, 2)
            fresh = await client.open_talk()
            quiet, _ = await _held(server, client, fresh, bench.plan.ticked_turns)
            held, computing = await _held(server, client, talk, bench.plan.ticked_turns)
    note = f"at most {max(computing.values):.1f} ms of it computing; the reference is a fresh session"
    longest = max(held.values)
    name = f"{ITEMS:,} items given, event loop held"
    return [Row(name, quiet.text("ms"), held.text("ms"), longest, _GOAL_MS, "ms", note=note)]


async def _held(server: ServerProcess, client: VibewireClient, talk: Talk, turns: int) -> tuple[Samples, Samples]:
    held, computing = Samples(), Samples()
    for _ in range(turns):
        await _longest_delay(server)
        await client.turn(talk)
        await client.settle()
        delay = await _longest_delay(server)
        held.values.append(delay["held_ms"])
        computing.values.append(delay["cpu_ms"])
    return held, computing


async def _longest_delay(server: ServerProcess) -> dict[str, float]:
    told = len(server.output)
    os.kill(server.pid, signal.SIGUSR1)
    async with asyncio.timeout(_ANSWER_SECONDS):
        while not (line := server.output[told:]).endswith("\n"):
            await asyncio.sleep(0.005)
    delay: dict[str, float] = json.loads(line)
    return delay
