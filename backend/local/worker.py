"""The worker of the local engine: takes doorbells, and cleans up now and then."""

import asyncio
import logging

from backend.app.adapters.local_event_log import LocalEventLog
from backend.app.adapters.local_turn_queue import LocalTurnQueue, ReceivedDoorbell
from backend.app.domain.abandoned_turn_service import AbandonedTurnService
from backend.app.domain.erasure_service import ErasureService
from backend.app.domain.session_service import SessionService
from backend.app.domain.turn_service import TurnService

logger = logging.getLogger(__name__)

_CLEAN_UP_SECONDS = 5.0
_ABANDONED_SECONDS = 60.0
_AFTER_CRASH_SECONDS = 5.0


class LocalWorker:
    """Runs turns of several sessions at the same time, as many as the settings allow."""

    def __init__(self, turns: TurnService, queue: LocalTurnQueue, *, parallel: int, visibility_seconds: float) -> None:
        self._turns = turns
        self._queue = queue
        self._visibility_seconds = visibility_seconds
        self._free = asyncio.Semaphore(parallel)

    async def run(self) -> None:
        """Answer doorbells until cancelled; then the turns in hand are let go, to be begun again."""
        async with asyncio.TaskGroup() as answering:
            while True:
                await self._free.acquire()
                received = await self._queue.receive(self._visibility_seconds)
                answering.create_task(self._answer(received))

    async def _answer(self, received: ReceivedDoorbell) -> None:
        put_back: float | None = 0.0
        try:
            put_back = await self._turns.run_turn(received.doorbell, received.receipt)
        except Exception:
            # The store failed under the turn: the worker goes on, and the doorbell rings again.
            logger.exception("A doorbell of session %s could not be answered", received.doorbell.session_id)
            put_back = _AFTER_CRASH_SECONDS
        finally:
            self._free.release()
            if put_back is None:
                await self._queue.acknowledge(received.receipt)
            else:
                await self._queue.put_back(received.receipt, put_back)


async def clean_up_regularly(
    sessions: SessionService, erasure: ErasureService, abandoned: AbandonedTurnService, events: LocalEventLog
) -> None:
    """Erase what deleted sessions left, and events past their time, and see to abandoned turns, until cancelled."""
    loop = asyncio.get_running_loop()
    look_for_abandoned = loop.time() + _ABANDONED_SECONDS
    while True:
        try:
            if loop.time() >= look_for_abandoned:
                look_for_abandoned = loop.time() + _ABANDONED_SECONDS
                await abandoned.close_abandoned_turns()
            await sessions.delete_orphaned_sessions()
            await events.remove_expired_events()
            await erasure.erase_deleted_sessions()
        except Exception:
            # What could not be erased now (a file in use, a full disk) is found again the next time.
            logger.exception("Cleaning up failed; it is tried again")
        await asyncio.sleep(_CLEAN_UP_SECONDS)
