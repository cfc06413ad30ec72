"""Claims the next open message of a session, runs its turn, and records how it ended."""

import asyncio
import logging
from datetime import timedelta
from typing import assert_never

from backend.app.domain.engine import Engine
from backend.app.domain.errors import EventLogBusyError, TurnCancelRequestedError, TurnError, TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageError, MessageStatus
from backend.app.domain.messages.message_service import CANCELLED
from backend.app.domain.ports import TurnNotification
from backend.app.domain.storage_errors import StorageDamagedError, StorageError
from backend.app.domain.turns.agent_port import BeginAgentTurn
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.next_message import notify_of_next_message
from backend.app.domain.turns.outcome import Done, Outcome, Requeue
from backend.app.domain.turns.ports import ClaimResult
from backend.app.domain.turns.turn_attempt import TurnAttempt
from backend.app.domain.turns.turn_recorder import EndedStatus

logger = logging.getLogger(__name__)

# A notification whose turn is held by another worker is delivered again after so many seconds.
_HELD_SECONDS = 10.0
# The longest pause that a model's server can ask for before a retry.
_LONGEST_RETRY_SECONDS = 300.0
# The pause between attempts to write to a store that fails.
_STORAGE_RETRY_SECONDS = 1.0


def attempts_spent(message: Message) -> MessageError:
    """The error of a message whose turn was started as often as the limit allows."""
    return MessageError("attempts_spent", f"The turn was started {message.attempt} times and never finished.")


class TurnService:
    """Runs turns. The store decides which worker runs which turn; a notification only names a session to look at."""

    def __init__(self, engine: Engine, memory: MemorySync, begin_agent_turn: BeginAgentTurn, limits: Limits) -> None:
        self._engine = engine
        self._memory = memory
        self._begin_agent_turn = begin_agent_turn
        self._limits = limits

    async def run_turn(self, notification: TurnNotification, receipt_handle: str) -> Outcome:
        """Run the session's lowest open message, whichever message the notification names.

        Args:
            notification: what was received.
            receipt_handle: identifies the received notification to the queue.

        Returns:
            What to do with the notification.

        Raises:
            StorageError: the store cannot be used; the notification must be delivered again.
        """
        not_open: str | None = None
        while (message := await self._engine.turns.find_open_message(notification.session_id)) is not None:
            if message.message_id == not_open:
                logger.error("Message %s is listed as open, but cannot be claimed", not_open)
                return Requeue(_HELD_SECONDS)
            now = self._engine.clock.now()
            result, claimed = await self._engine.turns.claim_turn(
                message.message_id, now, now + timedelta(seconds=self._limits.lease_seconds), self._limits.attempts
            )
            if result is ClaimResult.NOT_OPEN or claimed is None:
                # It ended between the two calls; the next read finds another message, or none.
                not_open = message.message_id
                continue
            return await self._handle_claim(result, claimed, notification, receipt_handle)
        return Done()

    async def _handle_claim(
        self, result: ClaimResult, message: Message, notification: TurnNotification, receipt_handle: str
    ) -> Outcome:
        attempt = TurnAttempt(self._engine, self._memory, self._begin_agent_turn, self._limits, message, receipt_handle)
        outcome: Outcome = Done()
        if result is ClaimResult.CLAIMED:
            attempt.log("claimed")
        match result:
            case ClaimResult.CLAIMED if message.cancel_requested:
                await self._end(attempt, MessageStatus.CANCELLED, CANCELLED)
            case ClaimResult.CLAIMED:
                outcome = await self._run(attempt)
            case ClaimResult.ATTEMPTS_SPENT:
                await self._end(attempt, MessageStatus.FAILED, attempts_spent(message))
            case ClaimResult.HELD | ClaimResult.NOT_OPEN:
                is_open = await self._engine.turns.is_open(notification.message_id)
                return Requeue(_HELD_SECONDS) if is_open else Done()
            case _:
                assert_never(result)
        if isinstance(outcome, Done):
            await self._notify_again_if_needed(notification, message)
        return outcome

    async def _run(self, attempt: TurnAttempt) -> Outcome:
        turn = attempt.turn
        try:
            await attempt.run()
        except TurnFencedError as fenced:
            logger.info("Turn %s attempt %s lost its lease: %s", turn.message_id, turn.attempt, fenced)
        except TurnCancelRequestedError:
            await self._end(attempt, MessageStatus.CANCELLED, CANCELLED)
        except TurnError as error:
            return await self._retry_or_fail(attempt, error)
        except EventLogBusyError as busy:
            return await self._retry_or_fail(attempt, TurnError(busy.code, busy.detail, retryable=True))
        except asyncio.CancelledError:
            # The process is shutting down: the next worker need not wait until the lease is over.
            if await self._release(attempt):
                attempt.log("requeued, the worker stops")
            raise
        except StorageError as error:
            # Not the turn's failure: it is started again when the store is back, and must not wait for its lease.
            logger.warning("Turn %s attempt %s stopped: %s", turn.message_id, turn.attempt, error)
            await self._release_when_possible(attempt)
            raise
        except Exception as bug:
            # The worker must survive a bug in one turn, and the message must end visibly; the log has the traceback.
            logger.exception("Turn %s attempt %s crashed", turn.message_id, turn.attempt)
            return await self._retry_or_fail(
                attempt, TurnError("internal_error", f"{type(bug).__name__}: see the log.", retryable=True)
            )
        return Done()

    async def _retry_or_fail(self, attempt: TurnAttempt, error: TurnError) -> Outcome:
        if error.retryable and attempt.turn.attempt < self._limits.attempts:
            logger.warning("Turn %s is retried: %s", attempt.turn.message_id, error.code)
            delay = self._limits.retry_delay_seconds * attempt.turn.attempt
            delay = max(delay, min(error.retry_after or 0.0, _LONGEST_RETRY_SECONDS))
            return await self._retry_in(attempt, error, delay)
        await self._end(attempt, MessageStatus.FAILED, MessageError(error.code, str(error)))
        return Done()

    async def _retry_in(self, attempt: TurnAttempt, reason: TurnError, seconds: float) -> Outcome:
        """Release the turn for a retry. Done where another worker holds the turn, or ended it."""
        try:
            await attempt.announce_retry(reason, seconds)
        except TurnFencedError as fenced:
            logger.info("Turn %s is not retried: %s", attempt.turn.message_id, fenced)
            return Done()
        except EventLogBusyError:
            logger.warning("Turn %s is retried without an event: its log is busy", attempt.turn.message_id)
        if not await self._release(attempt, seconds):
            return Done()
        return await self._requeue_sooner_if_cancelled(attempt, seconds)

    async def _requeue_sooner_if_cancelled(self, attempt: TurnAttempt, seconds: float) -> Outcome:
        # A cancel during the lease only marked the message; no worker would see the mark before the retry. From now on
        # a cancel ends the message itself.
        try:
            result = await self._engine.turns.heartbeat(attempt.turn, None)
        except TurnFencedError as fenced:
            logger.info("Turn %s needs no retry: %s", attempt.turn.message_id, fenced)
            return Done()
        requeue = Requeue(0.0 if result.cancel_requested else seconds)
        attempt.log(f"requeued, in {requeue.seconds:g} s")
        return requeue

    async def _end(self, attempt: TurnAttempt, status: EndedStatus, error: MessageError) -> None:
        try:
            await attempt.end(status, error)
        except TurnFencedError as fenced:
            logger.info("Turn %s was ended by another worker: %s", attempt.turn.message_id, fenced)

    async def _release(self, attempt: TurnAttempt, retry_in: float = 0.0) -> bool:
        """Release the lease. False where this attempt no longer holds it."""
        now = self._engine.clock.now()
        try:
            await self._engine.turns.release_lease(attempt.turn, now, now + timedelta(seconds=retry_in))
        except TurnFencedError as fenced:
            logger.info("Turn %s was not released: %s", attempt.turn.message_id, fenced)
            return False
        return True

    async def _release_when_possible(self, attempt: TurnAttempt) -> None:
        loop = asyncio.get_running_loop()
        lease_ends_at = loop.time() + self._limits.lease_seconds
        while loop.time() < lease_ends_at:
            try:
                await self._release(attempt)
            except StorageDamagedError:
                return
            except StorageError:
                await asyncio.sleep(_STORAGE_RETRY_SECONDS)
            else:
                return

    async def _notify_again_if_needed(self, notification: TurnNotification, ended: Message) -> None:
        if notification.is_rescue:
            await notify_of_next_message(self._engine, notification.session_id)
        # Enqueued for the message it names, not for the next one: a worker looks for the lowest open message anyway,
        # and the notification is delivered until its own message has had its turn.
        elif ended.message_id != notification.message_id and await self._engine.turns.is_open(notification.message_id):
            await self._engine.queue.enqueue(notification)
