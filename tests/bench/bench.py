"""What all measurements share: the model, the bare script, and how the CPU of a turn is taken."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.measuring import Samples
from tests.bench.plan import Plan
from tests.bench.processes import MEASURED_CORE, JsonProcess, cpu_ms, on_core
from tests.bench.vibewire_client import Talk, VibewireClient
from tests.server_process import ServerProcess, vibewire_process

# Turns of a session that still counts as fresh: it begins without a history.
FRESH_TURNS = 4
_CALLS_A_TURN = 3


class Bench:
    """A model's server and a bare script, both started."""

    def __init__(
        self, plan: Plan, folder: Path, model_url: str, bare: JsonProcess, http: aiohttp.ClientSession
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.model_url = model_url
        self._bare = bare
        self._http = http
        self._names = (f"talk-{number}" for number in itertools.count())

    @contextmanager
    def vibewire(self, data_dir: Path, **settings: str) -> Iterator[ServerProcess]:
        """A Vibewire on the measured core."""
        with on_core(MEASURED_CORE):
            server = vibewire_process(data_dir, self.model_url, **settings)
        with server:
            yield server

    @asynccontextmanager
    async def client(self, data_dir: Path, **settings: str) -> AsyncIterator[VibewireClient]:
        """A client of such a Vibewire."""
        with self.vibewire(data_dir, **settings) as server:
            async with VibewireClient(server) as client:
                yield client

    async def cpu_a_turn(self, pid: int, turns: int, work: Awaitable[Any]) -> float:
        """The CPU milliseconds that a process spends on each turn of the work, which must be whole turns."""
        calls = (await self._counts())["calls"]
        used = cpu_ms(pid)
        await work
        used = cpu_ms(pid) - used
        made = (await self._counts())["calls"] - calls
        if made != turns * _CALLS_A_TURN:
            raise RuntimeError(f"{turns} turns made {made} model calls instead of {_CALLS_A_TURN} each")
        return used / turns

    async def items_given(self) -> int:
        """The most items that one of the last model calls was given."""
        return max(request["items"] for request in (await self._counts())["requests"])

    async def bare_batch(self, turns: int, name: str, items: int = 0, first: Samples | None = None) -> float:
        """So many turns of the bare script in a session that began with so many items: CPU milliseconds a turn."""

        async def work() -> None:
            answer = await self._bare.ask(session=name, turns=turns, items=items)
            if first is not None:
                first.values += answer["first"]

        return await self.cpu_a_turn(self._bare.pid, turns, work())

    async def fresh_bare_batch(self, sessions: int, first: Samples | None = None) -> float:
        """The bare script in sessions that begin without a history: CPU milliseconds a turn."""
        used = [await self.bare_batch(FRESH_TURNS, next(self._names), first=first) for _ in range(sessions)]
        return sum(used) / sessions

    async def batch(self, client: VibewireClient, talk: Talk, turns: int) -> float:
        """So many turns of Vibewire in one conversation: CPU milliseconds a turn."""

        async def work() -> None:
            await client.turns(talk, turns)
            await client.settle()

        return await self.cpu_a_turn(client.pid, turns, work())

    async def fresh_batch(self, client: VibewireClient, sessions: int, first: Samples | None = None) -> float:
        """Vibewire in sessions that begin without a history, heard by one client: CPU milliseconds a turn."""
        talks = [await client.open_talk() for _ in range(sessions)]

        async def work() -> None:
            for talk in talks:
                took = await client.turns(talk, FRESH_TURNS)
                if first is not None:
                    first.values += took
            await client.settle()

        return await self.cpu_a_turn(client.pid, sessions * FRESH_TURNS, work())

    async def _counts(self) -> dict[str, Any]:
        async with self._http.get(self.model_url.removesuffix("/v1") + "/counts") as answer:
            counts: dict[str, Any] = await answer.json()
            return counts
