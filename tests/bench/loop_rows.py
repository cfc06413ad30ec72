"""For how long one turn holds the event loop, and with it all other sessions."""

import asyncio
import json
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
    await client.hear(talk.project_id)
    await client.turns(talk, 2)
    fresh, _ = await _held(server, client, await client.open_talk(), bench.plan.ticked_turns)
    held, computing = await _held(server, client, talk, bench.plan.ticked_turns)
    longest = max(held.values)
    note = f"the reference is a fresh session; at most {max(computing.values):.1f} ms of it computing"
    name = f"{items:,} items given, event loop held"
    return Row(name, fresh.text("ms"), held.text("ms"), longest, _GOAL_MS, "ms", note=note)


async def _held(server: ServerProcess, client: VibewireClient, talk: Talk, turns: int) -> tuple[Samples, Samples]:
    """For each turn the longest delay, as the clock has it and as this process was computing."""
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
    for _ in range(_LOOKS):
        await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        if (line := server.output[told:]).endswith("\n"):
            delay: dict[str, float] = json.loads(line)
            return delay
    raise RuntimeError("The ticker does not answer")
