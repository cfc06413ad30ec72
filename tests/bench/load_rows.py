"""What a turn costs among many: sessions in parallel, and watchers of one room."""

import asyncio
import itertools
from functools import partial

from tests.bench.bench import FRESH_TURNS, Bench
from tests.bench.measuring import Row, Samples, alternate
from tests.bench.processes import OTHER_CORE, JsonProcess, cpu_ms
from tests.bench.vibewire_client import VibewireClient

SESSIONS = 32
WATCHERS = 50


async def parallel_rows(bench: Bench, client: VibewireClient) -> list[Row]:
    """Many sessions at the same time against one after the other, all of them fresh."""
    plan, failed = bench.plan, Samples()
    alone = plan.sessions * FRESH_TURNS // plan.parallel_turns
    one, many = await alternate(
        plan.rounds,
        partial(bench.fresh_batch, client, alone, plan.parallel_turns),
        partial(_parallel_batch, client, plan.parallel_turns, failed),
    )
    one, many = (Samples([1000 / value for value in each.values]) for each in (one, many))
    ratio = many.median / one.median
    sent, failures = SESSIONS * plan.parallel_turns * plan.rounds, sum(failed.values)
    unit, name = "turns/CPU-s", f"{SESSIONS} sessions in parallel"
    return [
        Row(f"{name}, turns a CPU-second", one.text(unit), many.text(unit), ratio, 0.9, at_least=True),
        Row(f"{name}, turns that failed", "", f"{failures:.0f} of {sent}", failures, 0, unit=""),
    ]


async def _parallel_batch(client: VibewireClient, turns: int, failed: Samples) -> float:
    talks = [await client.open_talk() for _ in range(SESSIONS)]
    used = cpu_ms(client.pid)
    await asyncio.gather(*(client.turns(talk, turns) for talk in talks), return_exceptions=True)
    await client.settle()
    used = cpu_ms(client.pid) - used
    done = sum(talk.turns for talk in talks)
    failed.values.append(SESSIONS * turns - done)
    await client.unsubscribe(*talks)
    return used / max(done, 1)


async def watcher_rows(bench: Bench, client: VibewireClient) -> list[Row]:
    """A room with many watchers against one without any, on the same server."""
    plan, nodes = bench.plan, itertools.count()
    watched, lonely = await client.open_project(), await client.open_project()
    turns = plan.rounds * plan.watched_sessions * FRESH_TURNS
    async with JsonProcess("tests.bench.crowd", core=OTHER_CORE) as crowd:
        await crowd.ask(url=client.url, project_id=watched, watchers=WATCHERS)
        none, many = await alternate(
            plan.rounds,
            partial(_room_batch, bench, client, lonely, nodes),
            partial(_room_batch, bench, client, watched, nodes),
        )
        answers = (await crowd.ask(turns=turns))["answers"]
    missed = sum(turns - count for count in answers)
    note = f"the reference is a room without watchers; {missed} of {turns * WATCHERS} answers were missed"
    name, more = f"{WATCHERS} watchers of a room, CPU a turn", many.median - none.median
    return [Row(name, none.text("ms"), many.text("ms"), more, 15, "ms", note=note)]


async def _room_batch(bench: Bench, client: VibewireClient, project_id: str, nodes: "itertools.count[int]") -> float:
    """Fresh sessions of nodes, all in one room: CPU milliseconds a turn."""
    count = bench.plan.watched_sessions
    used = [
        await bench.batch(client, await client.open_session(project_id, f"node_{next(nodes)}"), FRESH_TURNS)
        for _ in range(count)
    ]
    return sum(used) / count
