"""What a turn costs with no history, with much of it stored, and with much of it given to the model."""

from functools import partial

from tests.bench.bench import Bench
from tests.bench.measuring import Row, Samples, ratio_row, take_turns
from tests.bench.seeding import seed_talks
from tests.bench.vibewire_client import Talk, VibewireClient

STORED_ITEMS = 10_000
# More than any history here has: the model is given all of it.
ALL_TOKENS = "10000000"


async def fresh_rows(bench: Bench) -> list[Row]:
    """A fresh session against the bare script, and one with many stored items against a fresh one."""
    plan, data_dir = bench.plan, bench.folder / "default"
    first, bare_first = Samples(), Samples()
    (stored,) = await seed_talks(data_dir, STORED_ITEMS)
    async with bench.client(data_dir) as client:
        await client.hear(stored.project_id)
        await bench.batch(client, stored, 2)  # the first builds the memory
        given = await bench.items_given()
        await bench.fresh_batch(client, 3)
        await bench.fresh_bare_batch(3)
        bare, fresh, full = await take_turns(
            plan.rounds,
            partial(bench.fresh_bare_batch, plan.sessions, bare_first),
            partial(bench.fresh_batch, client, plan.sessions, first),
            partial(bench.batch, client, stored, plan.stored_turns),
        )
    note = f"of {STORED_ITEMS:,} stored items the model is given {given:,}; the reference is Vibewire's fresh session"
    return [
        ratio_row("fresh session, CPU a turn", bare, fresh, 1.3),
        ratio_row("fresh session, until the first token usage", bare_first, first, 1.5),
        ratio_row(f"{STORED_ITEMS:,} items stored, CPU a turn", fresh, full, 1.3, note=note),
    ]


async def given_rows(bench: Bench) -> list[Row]:
    """Long histories that the model is given, against the bare script with the same items."""
    data_dir = bench.folder / "given"
    talks = await seed_talks(data_dir, *bench.plan.given_turns)
    rows = []
    async with bench.client(data_dir, history_tokens=ALL_TOKENS) as client:
        await bench.fresh_batch(client, 2)
        for talk, (items, turns) in zip(talks, bench.plan.given_turns.items(), strict=True):
            await client.hear(talk.project_id)
            rows.append(await _given_row(bench, client, talk, items, turns))
    return rows


async def _given_row(bench: Bench, client: VibewireClient, talk: Talk, items: int, turns: int) -> Row:
    name = f"given {items}"
    await bench.batch(client, talk, 2)
    given = await bench.items_given()
    await bench.bare_batch(1, name, items)
    bare_given = await bench.items_given()
    bare, vibewire = await take_turns(
        bench.plan.rounds,
        partial(bench.bare_batch, turns, name),
        partial(bench.batch, client, talk, turns),
    )
    note = f"the last warm-up call was given {bare_given:,} and {given:,} items"
    return ratio_row(f"{items:,} items given, CPU a turn", bare, vibewire, 0.3, note=note)
