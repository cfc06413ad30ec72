"""Ports that stop at each call a turn makes to them, so that something else can happen right there."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from backend.app.domain.sessions.memory import Memory
from backend.app.wiring_local import LocalEngine

T = TypeVar("T")

# The heartbeat's calls come when they come; they are no steps of a turn.
_NO_STEPS = ("heartbeat", "extend")
# A race that never comes to its end has more steps than this.
_MOST_POINTS = 400


class PastTheLastStepError(Exception):
    """The turn ended before it came to the point: there are no more points."""


@dataclass(frozen=True)
class Call:
    """A call that a turn made; `outcome` is "ok" or the name of what it raised."""

    name: str
    outcome: str


class Gate:
    """One point of a turn: before or after its n-th call to a port. What happens there is up to the test."""

    def __init__(self, point: int) -> None:
        self._point = point
        self._passed = itertools.count()
        self._interference: asyncio.Task[None] | None = None
        self.interfere: Callable[[], Awaitable[None]] | None = None
        self.place = "nowhere"
        self.before: list[Call] = []
        self.after: list[Call] = []

    async def run(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        await self._pass_by(f"before {name}")
        try:
            result = await call()
        except Exception as error:
            self._note(Call(name, type(error).__name__))
            await self._pass_by(f"after {name}, which raised {type(error).__name__}")
            raise
        self._note(Call(name, "ok"))
        await self._pass_by(f"after {name}")
        return result

    async def finish(self) -> None:
        """Wait until the interference is through. Raises PastTheLastStepError where there was none."""
        if self._interference is None:
            raise PastTheLastStepError
        await self._interference

    @property
    def reached(self) -> bool:
        return self._interference is not None

    def _note(self, call: Call) -> None:
        (self.after if self._interference is not None and self._interference.done() else self.before).append(call)

    async def _pass_by(self, place: str) -> None:
        if self.interfere is None or next(self._passed) != self._point:
            return
        self.place = place
        # Even where the heartbeat stops the turn at this very point, the interference goes on to its end.
        self._interference = asyncio.ensure_future(self.interfere())
        await asyncio.shield(self._interference)


class _Gated:
    def __init__(self, port: object, name: str, gate: Gate) -> None:
        self._port, self._name, self._gate = port, name, gate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name in _NO_STEPS:
            return method

        async def gated(*arguments: Any, **named: Any) -> Any:
            return await self._gate.run(f"{self._name}.{name}", lambda: method(*arguments, **named))

        return gated


def gated(port: T, name: str, gate: Gate) -> T:
    """The port, whose every call passes the gate."""
    return cast(T, _Gated(port, name, gate))


def gated_engine(engine: LocalEngine, gate: Gate) -> LocalEngine:
    """The engine with all ports of a turn behind the gate."""
    return replace(
        engine,
        turns=gated(engine.turns, "turns", gate),
        projects=gated(engine.projects, "projects", gate),
        sessions=gated(engine.sessions, "sessions", gate),
        queue=gated(engine.queue, "queue", gate),
        bus=gated(engine.bus, "bus", gate),
    )


def gated_memory(memory: Memory, gate: Gate) -> Memory:
    return gated(memory, "memory", gate)


class _Interrupted:
    def __init__(self, port: object, method: str, interfere: Callable[[], Awaitable[None]]) -> None:
        self._port, self._method, self._interfere = port, method, interfere

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name != self._method:
            return method

        async def interrupted(*arguments: Any, **named: Any) -> Any:
            await self._interfere()
            return await method(*arguments, **named)

        return interrupted


def interrupted(port: T, method: str, interfere: Callable[[], Awaitable[None]]) -> T:
    """The port, with something happening before each call of one of its methods."""
    return cast(T, _Interrupted(port, method, interfere))


async def at_every_point(race: Callable[[Gate], Awaitable[None]]) -> None:
    """Run the race once for each point of its turn; a failure names the point."""
    for point in range(_MOST_POINTS):
        gate = Gate(point)
        try:
            await race(gate)
        except PastTheLastStepError:
            assert point > 20, "a turn has more steps than this"
            return
        except BaseException as error:
            error.add_note(f"It happened at point {point}: {gate.place}")
            raise
    raise AssertionError(f"The turn did not end within {_MOST_POINTS} points")
