"""Answers notifications: takes the turn that is due, has it run, and sees to it that it ends visibly."""

import asyncio
import logging
from datetime import timedelta

from backend.app.domain.errors import (
    EventLogBusyError,
    StorageDamagedError,
    StorageError,
    TurnCancelRequestedError,
    TurnError,
    TurnFencedError,
)
from backend.app.domain.messages.message import Message, MessageError, MessageStatus
from backend.app.domain.messages.message_service import CANCELLED
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.next_message import notify_of_next
from backend.app.domain.turns.ports import ClaimResult
from backend.app.domain.turns.turn_attempt import TurnAttempt, TurnParts

logger = logging.getLogger(__name__)

# A notification that met another worker's live lease comes back after so many seconds.
_LEASE_LIVE_SECONDS = 10.0
# A model's server may ask to be left alone for so long, and no longer.
_LONGEST_RETRY_SECONDS = 300.0
# A store that cannot be written is tried again so often.
_STORAGE_RETRY_SECONDS = 1.0


def attempts_spent(message: Message) -> MessageError:
    """Why a message failed whose turn was begun as often as it may be."""
    return MessageError("attempts_spent", f"The turn was begun {message.attempt} times and never ended.")


class TurnService:
    """Runs turns. The store decides who runs what; a notification only says where to look."""

    def __init__(self, parts: TurnParts) -> None:
        self._parts = parts

    async def run_turn(self, notification: TurnNotification, receipt_handle: str) -> float | None:
        """Run the session's lowest open message, whoever rang.

        Args:
            notification: what was received.
            receipt handle: names the received notification towards the queue.

        Returns:
            None: the notification is answered. A number: it must ring again in so many seconds.

        Raises:
            StorageError: the store cannot be used; the notification must ring again.
        """
        not_open: str | None = None
        while (message := await self._parts.turns.find_open_message(notification.session_id)) is not None:
            if message.message_id == not_open:
                logger.error("Message %s is found open, but cannot be claimed as one", not_open)
                return _LEASE_LIVE_SECONDS
            now = self._parts.clock.now()
            lease_until = now + timedelta(seconds=self._parts.limits.lease_seconds)
            outcome, taken = await self._parts.turns.claim_turn(
                message.message_id, now, lease_until, self._parts.limits.attempts
            )
            if outcome is ClaimResult.NOT_OPEN or taken is None:
                # It ended between the two; the next look shows another one, or none.
                not_open = message.message_id
                continue
            if outcome is ClaimResult.HELD:
                is_open = await self._parts.turns.is_open(notification.message_id)
                return _LEASE_LIVE_SECONDS if is_open else None
            retry_in = await self._run_or_give_up(outcome, taken, receipt_handle)
            if retry_in is None:
                await self._notify_again_if_needed(notification, taken)
            return retry_in
        return None

    async def _run_or_give_up(self, outcome: ClaimResult, message: Message, receipt_handle: str) -> float | None:
        attempt = TurnAttempt(self._parts, message, receipt_handle)
        if outcome is ClaimResult.ATTEMPTS_SPENT:
            await self._end(attempt, MessageStatus.FAILED, attempts_spent(message))
            return None
        if message.cancel_requested:
            await self._end(attempt, MessageStatus.CANCELLED, CANCELLED)
            return None
        try:
            await attempt.run()
        except TurnFencedError as fenced:
            logger.info("Turn %s attempt %s lost its turn: %s", message.message_id, message.attempt, fenced)
        except TurnCancelRequestedError:
            await self._end(attempt, MessageStatus.CANCELLED, CANCELLED)
        except TurnError as error:
            return await self._retry_or_fail(attempt, error)
        except EventLogBusyError as busy:
            return await self._retry_or_fail(attempt, TurnError(busy.code, busy.detail, retryable=True))
        except asyncio.CancelledError:
            # The process is going down in good order: whoever comes next need not wait for the lease.
            await self._release(attempt)
            raise
        except StorageError as error:
            # Nobody's fault in the turn: it is started again when the store is back, and must not wait for its lease.
            logger.warning("Turn %s attempt %s stopped: %s", message.message_id, message.attempt, error)
            await self._release_when_possible(attempt)
            raise
        except Exception as bug:
            # The worker must outlive a bug in one turn, and its message must end visibly: the log has the traceback.
            logger.exception("Turn %s attempt %s crashed", message.message_id, message.attempt)
            return await self._retry_or_fail(
                attempt, TurnError("internal_error", f"{type(bug).__name__}: see the log.", retryable=True)
            )
        return None

    async def _retry_or_fail(self, attempt: TurnAttempt, error: TurnError) -> float | None:
        if error.retryable and attempt.turn.attempt < self._parts.limits.attempts:
            logger.warning("Turn %s is begun again: %s", attempt.turn.message_id, error.code)
            delay = self._parts.limits.retry_delay_seconds * attempt.turn.attempt
            delay = max(delay, min(error.retry_after or 0.0, _LONGEST_RETRY_SECONDS))
            return await self._begin_again_in(attempt, error, delay)
        await self._end(attempt, MessageStatus.FAILED, MessageError(error.code, str(error)))
        return None

    async def _begin_again_in(self, attempt: TurnAttempt, reason: TurnError, seconds: float) -> float | None:
        """In how many seconds the notification must come back; None where another has the turn, or ended it."""
        try:
            await attempt.announce_retry(reason, seconds)
        except TurnFencedError as fenced:
            logger.info("Turn %s is not begun again: %s", attempt.turn.message_id, fenced)
            return None
        except EventLogBusyError:
            logger.warning("Turn %s is begun again, which its busy log does not say", attempt.turn.message_id)
        if not await self._release(attempt, seconds):
            return None
        return await self._seconds_unless_cancelled(attempt, seconds)

    async def _seconds_unless_cancelled(self, attempt: TurnAttempt, seconds: float) -> float | None:
        # A cancel that came under the lease left a mark, which nobody else would look at until the retry. From now on
        # a cancel ends the message itself.
        try:
            signal = await self._parts.turns.heartbeat(attempt.turn, None)
        except TurnFencedError as fenced:
            logger.info("Turn %s needs no retry: %s", attempt.turn.message_id, fenced)
            return None
        return 0.0 if signal.cancel_requested else seconds

    async def _end(self, attempt: TurnAttempt, status: MessageStatus, error: MessageError) -> None:
        try:
            await attempt.end(status, error)
        except TurnFencedError as fenced:
            logger.info("Turn %s was ended by another: %s", attempt.turn.message_id, fenced)

    async def _release(self, attempt: TurnAttempt, retry_in: float = 0.0) -> bool:
        """Give the lease back. Returns whether it was this attempt's to give."""
        now = self._parts.clock.now()
        try:
            await self._parts.turns.release_lease(attempt.turn, now, now + timedelta(seconds=retry_in))
        except TurnFencedError as fenced:
            logger.info("Turn %s was not released: %s", attempt.turn.message_id, fenced)
            return False
        return True

    async def _release_when_possible(self, attempt: TurnAttempt) -> None:
        loop = asyncio.get_running_loop()
        over_at = loop.time() + self._parts.limits.lease_seconds
        while loop.time() < over_at:
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
            await notify_of_next(self._parts.turns, self._parts.queue, notification.session_id)
        # For the message that rang, not for the next: whoever answers looks for the lowest open one anyway, and this
        # notification then comes round until its own message has had its turn.
        elif ended.message_id != notification.message_id and await self._parts.turns.is_open(notification.message_id):
            await self._parts.queue.enqueue(notification)
