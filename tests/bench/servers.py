"""The servers that are measured, one after the other, each with its rows."""

from contextlib import AbstractContextManager

from tests.bench.bench import Bench
from tests.bench.history_rows import fresh_rows, given_row
from tests.bench.load_rows import parallel_rows, watcher_rows
from tests.bench.loop_rows import loop_row
from tests.bench.processes import MEASURED_CORE, on_core
from tests.bench.seeding import seed_talks
from tests.bench.vibewire_client import Talk, VibewireClient
from tests.server_process import ServerProcess

_VIBEWIRE = "backend.local.main"
_TICKED = "tests.bench.ticked_server"
_STORED_ITEMS = 10_000
# More than any history here has: the model is given all of it.
_ALL_TOKENS = "10000000"


def _started(bench: Bench, module: str, name: str, **settings: str) -> AbstractContextManager[ServerProcess]:
    environment = {
        "VIBEWIRE_DATA_DIR": str(bench.folder / name),
        "VIBEWIRE_PORT": "0",
        "OPENAI_BASE_URL": bench.model_url,
        **{f"VIBEWIRE_{setting.upper()}": value for setting, value in settings.items()},
    }
    with on_core(MEASURED_CORE):
        return ServerProcess(module, environment=environment)


async def default_rows(bench: Bench) -> None:
    """A server as it is by default."""
    bench.progress("seeding a session with a long history")
    (stored,) = await seed_talks(bench.folder / "default", _STORED_ITEMS)
    with _started(bench, _VIBEWIRE, "default") as server:
        async with VibewireClient(server) as client:
            bench.progress("fresh sessions, and one with a long history")
            bench.rows += await fresh_rows(bench, client, stored, _STORED_ITEMS)
            bench.progress("sessions in parallel")
            bench.rows += await parallel_rows(bench, client)
            bench.progress("watchers")
            bench.rows += await watcher_rows(bench, client)


async def given_rows(bench: Bench) -> None:
    """A server that gives the model all of the history, and the same with a ticker."""
    lengths = bench.plan.given_turns
    talks = await seed_talks(bench.folder / "given", *lengths)
    with _started(bench, _VIBEWIRE, "given", history_tokens=_ALL_TOKENS) as server:
        async with VibewireClient(server) as client:
            await bench.fresh_batch(client, 2)
            for talk, (items, turns) in zip(talks, lengths.items(), strict=True):
                bench.progress(f"{items:,} items given to the model")
                bench.rows.append(await given_row(bench, client, talk, items, turns))
    bench.progress("the event loop")
    with _started(bench, _TICKED, "given", history_tokens=_ALL_TOKENS) as server:
        async with VibewireClient(server) as client:
            longest: Talk = talks[-1]
            bench.rows.append(await loop_row(bench, server, client, longest, max(lengths)))
