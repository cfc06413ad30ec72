"""What a turn costs among many: sessions in parallel, and watchers of one room."""

import asyncio
import itertools
from functools import partial

from tests.bench.bench import FRESH_TURNS, Bench
from tests.bench.measuring import Row, Samples, take_turns
from tests.bench.processes import OTHER_CORE, JsonProcess, cpu_ms
from tests.bench.vibewire_client import VibewireClient

SESSIONS = 32
WATCHERS = 50


async def parallel_rows(bench: Bench) -> list[Row]:
    """Many sessions at the same time against one after the other."""
    plan, failed = bench.plan, Samples()
    async with bench.client(bench.folder / "parallel") as client:
        await bench.fresh_batch(client, 3)
        one, many = await take_turns(
            plan.rounds,
            partial(bench.fresh_batch, client, plan.sessions),
            partial(_parallel_batch, client, plan.parallel_turns, failed),
        )
    one, many = (Samples([1000 / value for value in each.values]) for each in (one, many))
    failures = sum(failed.values)
    unit = "turns/CPU-s"
    name = f"{SESSIONS} sessions in parallel"
    ratio = many.median / one.median
    return [
        Row(f"{name}, turns a CPU-second", one.text(unit), many.text(unit), ratio, 0.9, at_least=True),
        Row(f"{name}, turns that failed", "", f"of {SESSIONS * plan.parallel_turns * plan.rounds}", failures, 0, ""),
    ]


async def _parallel_batch(client: VibewireClient, turns: int, failed: Samples) -> float:
    talks = [await client.open_talk() for _ in range(SESSIONS)]
    used = cpu_ms(client.pid)
    await asyncio.gather(*(client.turns(talk, turns) for talk in talks), return_exceptions=True)
    await client.settle()
    used = cpu_ms(client.pid) - used
    done = sum(talk.turns for talk in talks)
    failed.values.append(SESSIONS * turns - done)
    return used / max(done, 1)


async def watcher_rows(bench: Bench) -> list[Row]:
    """A room with many watchers against one without any, on the same server."""
    plan, nodes = bench.plan, itertools.count()
    async with (
        bench.client(bench.folder / "watched") as client,
        JsonProcess("tests.bench.crowd", core=OTHER_CORE) as crowd,
    ):
        watched, lonely = await client.open_project(), await client.open_project()
        url = client.url
        await crowd.ask(url=url, project_id=watched, watchers=WATCHERS)
        await _room_batch(bench, client, lonely, nodes, 2)
        none, many = await take_turns(
            plan.rounds,
            partial(_room_batch, bench, client, lonely, nodes, plan.watched_sessions),
            partial(_room_batch, bench, client, watched, nodes, plan.watched_sessions),
        )
        heard = (await crowd.ask())["answers"]
    turns = plan.rounds * plan.watched_sessions * FRESH_TURNS
    missed = sum(turns - count for count in heard)
    more = many.median - none.median
    note = f"{missed} of {turns * WATCHERS} answers were missed; the reference is a room without watchers"
    return [
        Row(f"{WATCHERS} watchers of a room, CPU a turn", none.text("ms"), many.text("ms"), more, 15, "ms", note=note)
    ]


async def _room_batch(
    bench: Bench, client: VibewireClient, project_id: str, nodes: "itertools.count[int]", sessions: int
) -> float:
    used = [
        await bench.batch(client, await client.open_session(project_id, f"node_{next(nodes)}"), FRESH_TURNS)
        for _ in range(sessions)
    ]
    return sum(used) / sessions
