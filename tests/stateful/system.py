"""The product under the model: services, workers and the local engine on one folder, which can be restarted."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

from backend.app.adapters.local.sqlite.recovery import recover_turns
from backend.app.adapters.local.turn_queue import LocalTurnQueue
from backend.app.api.services import Services
from backend.app.domain.ports import TurnNotification
from backend.app.domain.sessions.erasure_service import ErasureService
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurnService
from backend.app.domain.turns.outcome import Outcome, Requeue
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine, build_local_engine
from backend.local.settings import LocalSettings
from tests.manual_time import ManualClock, SequentialIds
from tests.races.prompted_agents import PromptedAgents
from tests.races.race_fixture import turn_service
from tests.stateful.lossy_queue import LossyQueue

QUEUE_LIMIT = 4
# Longer than a lease, a lost notification's wait and the longest turn.
LONG = 1000.0
_MOST_ROUNDS = 60


class TestSystem:
    """One process after another on the same folder; what the agents were asked is kept."""

    def __init__(self, folder: Path) -> None:
        # Heartbeats never come: a zombie learns by its refused writes alone, which is the harder way.
        self._settings = LocalSettings(
            data_dir=folder, queued_messages=QUEUE_LIMIT, cancel_check_seconds=100_000, retry_delay_seconds=1
        )
        self.clock = ManualClock()
        self.agents = PromptedAgents()
        self.queue = LossyQueue()
        self._ids = SequentialIds()
        self._files = MemoryFiles(folder / "memory")
        self._turns: set[asyncio.Task[Outcome]] = set()
        self._build()

    def _build(self) -> None:
        engine = build_local_engine(self._settings.data_dir, self.clock, self._ids)
        self._local_queue = engine.queue
        self.engine: LocalEngine = replace(engine, queue=cast(LocalTurnQueue, self.queue))
        self.services: Services = build_services(self._settings, self.engine)
        self.memory = SQLiteMemory(self._files)
        self._worker = turn_service(self.engine, self.memory, self.agents, None, self._settings)
        self.erasure = ErasureService(engine.erasure, self.memory, self.clock, self._settings)
        self._abandoned = AbandonedTurnService(self.engine, self._settings, max_turns=8)

    async def open(self) -> None:
        await self.engine.database.open()

    async def restart(self, *, killed: bool) -> None:
        """A new process on the folder. Killed, the old one does not come to say goodbye; notifications are lost."""
        await self.close(killed=killed)
        self.queue.pending.clear()
        self._build()
        await self.open()
        # With no notifications left in the file, each open message is enqueued once.
        for _ in range(await recover_turns(self.engine.database, self.clock)):
            received = await self._local_queue.receive(60)
            await self._local_queue.acknowledge(received.receipt_handle)
            self.queue.pending.append(received.notification)

    async def close(self, *, killed: bool = True) -> None:
        if killed:
            await self.engine.database.close()
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        self._turns.clear()
        await self.engine.database.close()

    async def deliver(self, notification: TurnNotification) -> None:
        """Deliver one notification: its turn runs until it ends or is held."""
        turn = asyncio.create_task(self._answer(notification))
        self._turns.add(turn)
        await self._until_quiet(turn)

    async def let_go(self, pick: int) -> None:
        """Let one of the held turns go on."""
        before = set(self._turns)
        self.agents.holds[pick % len(self.agents.holds)].let_go.set()
        await self._until_quiet(*before)

    async def close_abandoned_turns(self) -> None:
        await self._abandoned.close_abandoned_turns()

    async def erase(self) -> None:
        while await self.erasure.erase_deleted_sessions():
            pass

    async def damage_memory(self, session: Session, damage: bytes | None) -> None:
        """Overwrite or remove the memory's file, if there is one."""
        ref = MemoryRef(session.session_id, session.openai_session_key)
        path = self._files.path(ref)
        if damage is None:
            path.unlink(missing_ok=True)
        elif path.exists():
            path.write_bytes(damage)

    async def run_until_nothing_is_open(self, session_ids: list[str]) -> None:
        """Release all turns, deliver all notifications, advance the clock and close abandoned turns until all ended."""
        for _ in range(_MOST_ROUNDS):
            while self.agents.holds:
                await self.let_go(0)
            for notification in list(self.queue.pending):
                self.queue.pending.remove(notification)
                await self.deliver(notification)
            found = [await self.engine.turns.find_open_message(session_id) for session_id in session_ids]
            if not self.agents.holds and not any(found):
                return
            self.clock.advance(LONG)
            await self.close_abandoned_turns()
        raise AssertionError("A message never ends")

    async def _answer(self, notification: TurnNotification) -> Outcome:
        outcome = await self._worker.run_turn(notification, "receipt-handle")
        if isinstance(outcome, Requeue):
            self.queue.pending.append(notification)
        return outcome

    async def _until_quiet(self, *turns: "asyncio.Task[Outcome]") -> None:
        """Wait until one of the turns has ended or a further one is held; the others are held anyway."""
        holds = self.agents.held
        holds.clear()
        held = asyncio.create_task(holds.wait())
        async with asyncio.timeout(30):
            done, _ = await asyncio.wait({held, *turns}, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        for turn in done - {held}:
            self._turns.discard(turn)
            assert turn.exception() is None
