"""What all measurements share: the model, the bare script, and how the CPU of a turn is taken."""

import itertools
import sys
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.measuring import Row, Samples
from tests.bench.plan import Plan
from tests.bench.processes import JsonProcess, cpu_ms
from tests.bench.vibewire_client import Talk, VibewireClient

# Turns of a session that still counts as fresh: it begins without a history.
FRESH_TURNS = 4
_CALLS_A_TURN = 3


@dataclass
class Bench:
    """A model's server and a bare script, both started, and the rows so far."""

    plan: Plan
    folder: Path
    model_url: str
    bare: JsonProcess
    http: aiohttp.ClientSession
    rows: list[Row]
    _began: float = field(default_factory=time.monotonic)
    _names: Iterator[str] = field(default_factory=lambda: (f"talk-{number}" for number in itertools.count()))

    def progress(self, what: str) -> None:
        """Print on stderr what is measured next."""
        print(f"{time.monotonic() - self._began:5.0f} s  {what} ...", file=sys.stderr, flush=True)

    async def cpu_a_turn(self, pid: int, turns: int, work: Awaitable[Any]) -> float:
        """The CPU milliseconds that a process spends on each turn of the work, which must consist of complete turns."""
        calls = (await self._counts())["calls"]
        used = cpu_ms(pid)
        await work
        used = cpu_ms(pid) - used
        made = (await self._counts())["calls"] - calls
        if made != turns * _CALLS_A_TURN:
            raise RuntimeError(f"{turns} turns made {made} model calls instead of {_CALLS_A_TURN} each")
        return used / turns

    async def items_given(self, turns: int) -> int:
        """The fewest items that VibeCoder was given in the last so many turns (the model remembers 50 calls)."""
        requests = (await self._counts())["requests"][-turns * _CALLS_A_TURN :]
        fewest: int = min(request["items"] for request in requests if request["agent"] == "vibecoder")
        return fewest

    async def bare_batch(self, turns: int, name: str, items: int = 0, first: Samples | None = None) -> float:
        """So many turns of the bare script in a session that began with so many items: CPU milliseconds a turn."""

        async def work() -> None:
            answer = await self.bare.ask(session=name, turns=turns, items=items)
            if first is not None:
                first.values += answer["first"]

        return await self.cpu_a_turn(self.bare.pid, turns, work())

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

    async def fresh_batch(
        self, client: VibewireClient, sessions: int, turns: int = FRESH_TURNS, first: Samples | None = None
    ) -> float:
        """Vibewire in sessions without a history, with one subscribed client: CPU milliseconds a turn."""
        talks = [await client.open_talk() for _ in range(sessions)]
        client.take_first_usages()

        async def work() -> None:
            for talk in talks:
                await client.turns(talk, turns)
            await client.settle()

        used = await self.cpu_a_turn(client.pid, sessions * turns, work())
        if first is not None:
            first.values += client.take_first_usages()
        await client.unsubscribe(*talks)
        return used

    async def _counts(self) -> dict[str, Any]:
        async with self.http.get(self.model_url.removesuffix("/v1") + "/counts") as answer:
            counts: dict[str, Any] = await answer.json()
            return counts
