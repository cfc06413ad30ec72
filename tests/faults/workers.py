"""Several workers on one session: services over one engine, and adapters that stand still where a test says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Item, Message
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.ports import TurnStore
from backend.app.domain.turns.turn_service import TurnService
from backend.app.wiring_local import LocalEngine
from shared.bus_messages import BusMessage
from tests.domain.scripted_agents import ScriptedAgents, Step, TurnFixture, open_turn_fixture

T = TypeVar("T")

WAIT_SECONDS = 20.0
LEASE_SECONDS = 60.0
# A worker that is frozen does not look for anything either.
FROZEN = Limits(cancel_check_seconds=1000, lease_seconds=LEASE_SECONDS)

OpenTurnFixture = Callable[..., Awaitable[TurnFixture]]


class Halt:
    """A point at which a call waits until the test lets it continue."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


class _HaltedAt:
    """Stands before an adapter and halts before the first call of one method."""

    def __init__(self, adapter: object, method: str, halt: Halt) -> None:
        self._adapter = adapter
        self._method = method
        self._halt = halt

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._adapter, method)
        if method != self._method:
            return call

        async def halted(*arguments: Any, **named: Any) -> Any:
            await self._halt()
            return await call(*arguments, **named)

        return halted


def halted_at(adapter: T, method: str, halt: Halt) -> T:
    return cast(T, _HaltedAt(adapter, method, halt))


def worker_of(
    fixture: TurnFixture,
    *steps: Step,
    limits: Limits = FROZEN,
    halt_at: str = "",
    halt: Halt | None = None,
    turns: TurnStore | None = None,
) -> TurnService:
    """Another worker on the session, with agents of its own; `halt_at` names a call of the store or the memory."""
    engine = fixture.engine
    if halt:
        engine = replace(engine, turns=halted_at(engine.turns, halt_at, halt))
    if turns:
        engine = replace(engine, turns=turns)
    memory = halted_at(fixture.memory, halt_at, halt) if halt else fixture.memory
    memory_sync = MemorySync(memory, engine.turns, limits.history_tokens)
    return TurnService(engine, memory_sync, ScriptedAgents(list(steps)).begin_turn, limits)


async def open_race_fixture(engine: LocalEngine, folder: Path, *steps: Step, limits: Limits = FROZEN) -> TurnFixture:
    return await open_turn_fixture(engine, folder, list(steps), limits)


def notification_of(message: Message) -> TurnNotification:
    return TurnNotification(message.session_id, message.message_id)


class World:
    """All that a worker could change: the store's every row, the memory, and what went over the bus."""

    def __init__(self, fixture: TurnFixture) -> None:
        self._fixture = fixture
        self.published: list[BusMessage] = []
        fixture.engine.bus.listen(self.published.append)

    async def look(self) -> tuple[list[str], tuple[int, tuple[Item, ...]], int]:
        rows = await self._fixture.engine.database.read(lambda connection: list(connection.iterdump()))
        return rows, await self._fixture.remembered(), len(self.published)


async def queued_notifications(engine: LocalEngine) -> list[tuple[str, float]]:
    """The notifications in the queue, with the time from which each can be received."""
    return await engine.database.read(
        lambda connection: [
            (row["message_id"], row["visible_at"])
            for row in connection.execute("SELECT * FROM notifications ORDER BY id")
        ]
    )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until the condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():
            pass
