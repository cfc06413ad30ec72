"""What a turn costs with no history, with much of it stored, and with much of it given to the model."""

from functools import partial

from tests.bench.bench import Bench
from tests.bench.measuring import Row, Samples, alternate, ratio_row
from tests.bench.vibewire_client import Talk, VibewireClient


async def fresh_rows(bench: Bench, client: VibewireClient, stored: Talk, items: int) -> list[Row]:
    """Fresh sessions against the bare script, and a session with so many stored items against fresh ones."""
    plan = bench.plan
    first, bare_first = Samples(), Samples()
    await client.subscribe(stored.project_id)
    await bench.batch(client, stored, 2)  # the first builds the memory
    given = await bench.items_given(1)
    await bench.fresh_batch(client, 3)
    await bench.fresh_bare_batch(3)
    bare, fresh, full = await alternate(
        plan.rounds,
        partial(bench.fresh_bare_batch, plan.sessions, bare_first),
        partial(bench.fresh_batch, client, plan.sessions, first=first),
        partial(bench.batch, client, stored, plan.stored_turns),
    )
    note = f"the reference is Vibewire's fresh session; the model is given {given:,} of them"
    return [
        ratio_row("fresh session, CPU a turn", bare, fresh, 1.3),
        ratio_row("fresh session, until the first token usage", bare_first, first, 1.5),
        ratio_row(f"{items:,} items stored, CPU a turn", fresh, full, 1.3, note=note),
    ]


async def given_row(bench: Bench, client: VibewireClient, talk: Talk, items: int, turns: int) -> Row:
    """A history that the model is given completely, against the bare script with the same items."""
    name = f"given {items}"
    await client.subscribe(talk.project_id)
    await bench.batch(client, talk, 2)
    await bench.bare.ask(session=name, turns=0, items=items)
    bare, vibewire = await alternate(
        bench.plan.rounds,
        partial(bench.bare_batch, turns, name),
        partial(bench.batch, client, talk, turns),
    )
    note = f"at the end both gave the model at least {await bench.items_given(2 * turns):,} items"
    return ratio_row(f"{items:,} items given, CPU a turn", bare, vibewire, 0.3, note=note)
