"""The worker of the local engine: takes notifications, and cleans up now and then."""

import asyncio
import logging

from backend.app.adapters.local.event_log import LocalEventLog
from backend.app.adapters.local.turn_queue import LocalTurnQueue, ReceivedNotification
from backend.app.domain.sessions.erasure_service import ErasureService
from backend.app.domain.sessions.session_service import SessionService
from backend.app.domain.storage_errors import StorageDamagedError, StorageError
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurnService
from backend.app.domain.turns.outcome import Outcome, Requeue
from backend.app.domain.turns.turn_service import TurnService
from backend.local.storage_gate import StorageGate

logger = logging.getLogger(__name__)

_CLEAN_UP_SECONDS = 5.0
_ABANDONED_SECONDS = 60.0
_AFTER_CRASH_SECONDS = 5.0


class LocalWorker:
    """Runs turns of several sessions at the same time, as many as the settings allow.

    A store that cannot be written now (a full disk above all) makes it wait; it ends only for a damaged one, or a bug.
    """

    def __init__(
        self,
        turns: TurnService,
        queue: LocalTurnQueue,
        gate: StorageGate,
        *,
        parallel: int,
        visibility_seconds: float,
    ) -> None:
        self._turns = turns
        self._queue = queue
        self._gate = gate
        self._visibility_seconds = visibility_seconds
        self._free = asyncio.Semaphore(parallel)

    async def run(self) -> None:
        """Handle notifications until cancelled; then the turns in hand are released, to be started again.

        Raises StorageDamagedError.
        """
        async with asyncio.TaskGroup() as handling:
            while True:
                await self._free.acquire()
                handling.create_task(self._handle(await self._receive()))

    async def _receive(self) -> ReceivedNotification:
        while True:
            await self._gate.wait_until_open()
            try:
                return await self._queue.receive(self._visibility_seconds)
            except StorageError as error:
                self._gate.close(error)

    async def _handle(self, received: ReceivedNotification) -> None:
        try:
            await self._settle(received, await self._run_turn(received))
        except asyncio.CancelledError:
            await self._return_at_once(received)
            raise
        finally:
            self._free.release()

    async def _run_turn(self, received: ReceivedNotification) -> Outcome:
        # The disk may have filled up while this waited for work: a turn that begins now would only spend an attempt.
        await self._gate.wait_until_open()
        try:
            return await self._turns.run_turn(received.notification, received.receipt_handle)
        except StorageError as error:
            self._gate.close(error)
            return Requeue(0.0)
        except Exception:
            # A bug under the turn: the worker goes on, and the notification is delivered again.
            logger.exception("A notification of session %s could not be handled", received.notification.session_id)
            return Requeue(_AFTER_CRASH_SECONDS)

    async def _settle(self, received: ReceivedNotification, outcome: Outcome) -> None:
        while True:
            try:
                if isinstance(outcome, Requeue):
                    return await self._queue.requeue(received.receipt_handle, outcome.seconds)
                return await self._queue.acknowledge(received.receipt_handle)
            except StorageError as error:
                self._gate.close(error)
            await self._gate.wait_until_open()

    async def _return_at_once(self, received: ReceivedNotification) -> None:
        try:
            await self._queue.requeue(received.receipt_handle, 0.0)
        except StorageError as error:
            # The next start returns all of them to the queue.
            logger.warning("A notification was not returned to the queue: %s", error)


async def clean_up_regularly(
    sessions: SessionService, erasure: ErasureService, abandoned: AbandonedTurnService, events: LocalEventLog
) -> None:
    """Erase what deleted sessions left, and events past their time, and rescue abandoned turns, until cancelled.

    Raises StorageDamagedError.
    """
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
        except StorageDamagedError:
            raise
        except StorageError as error:
            logger.warning("Cleaning up is tried again: %s (%s)", error.code, error.reason)
        except Exception:
            # What could not be erased now (a file in use) is found again the next time.
            logger.exception("Cleaning up failed; it is tried again")
        await asyncio.sleep(_CLEAN_UP_SECONDS)
