"""For how long one turn holds the event loop, and with it all other sessions."""

import asyncio
import os
import signal

from tests.bench.bench import Bench
from tests.bench.measuring import Row, Samples
from tests.bench.vibewire_client import Talk, VibewireClient
from tests.server_process import ServerProcess

_GOAL_MS = 50.0
_LOOKS, _BETWEEN_LOOKS_SECONDS = 1000, 0.005


async def loop_row(bench: Bench, server: ServerProcess, client: VibewireClient, talk: Talk, items: int) -> Row:
    """The longest delay of the ticker of a ticked server during turns with so many items of history."""
    await client.subscribe(talk.project_id)
    await client.turns(talk, 2)
    fresh = await _held(server, client, await client.open_talk(), bench.plan.ticked_turns)
    held = await _held(server, client, talk, bench.plan.ticked_turns)
    note = "the longest of all turns counts; the reference is a fresh session"
    name = f"{items:,} items given, event loop held"
    return Row(name, fresh.text("ms"), held.text("ms"), max(held.values), _GOAL_MS, "ms", note=note)


async def _held(server: ServerProcess, client: VibewireClient, talk: Talk, turns: int) -> Samples:
    """For each turn the longest delay of a tick, in milliseconds."""
    held = Samples()
    for _ in range(turns):
        await longest_delay(server)
        await client.turn(talk)
        await client.settle()
        held.values.append(await longest_delay(server))
    return held


async def longest_delay(server: ServerProcess) -> float:
    """The longest delay of a ticked server's ticker since the last call, in milliseconds."""
    position = len(server.output)
    os.kill(server.pid, signal.SIGUSR1)
    for _ in range(_LOOKS):
        await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        if (line := server.output[position:]).endswith("\n"):
            return float(line)
    raise RuntimeError("The ticker does not answer")
