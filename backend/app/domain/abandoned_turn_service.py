"""Finds turns that nobody runs any more: rings for them again, or fails them."""

import logging
from datetime import timedelta

from backend.app.domain.errors import TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.message import Message, MessageStatus
from backend.app.domain.ports import Clock, Doorbell, EventBus, IdGenerator, TurnQueue
from backend.app.domain.turn_recorder import TurnEventRecorder
from backend.app.domain.turn_service import attempts_spent
from backend.app.domain.turn_store_port import TurnStore

logger = logging.getLogger(__name__)

# A message at the head of its session that waits for longer has lost its doorbell.
_QUEUED_TOO_LONG = timedelta(minutes=2)
_SESSIONS_A_RUN = 100


class AbandonedTurnService:
    """Called by a schedule, and with what the queue gave up on. Safe to call at any time, any number of times."""

    def __init__(
        self, turns: TurnStore, queue: TurnQueue, bus: EventBus, clock: Clock, ids: IdGenerator, limits: Limits
    ) -> None:
        self._turns = turns
        self._queue = queue
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._limits = limits

    async def close_abandoned_turns(self) -> int:
        """Ring again for turns with attempts left, fail the others. Returns how many were found."""
        now = self._clock.now()
        found = 0
        for session_id in await self._turns.list_stuck_sessions(now, now - _QUEUED_TOO_LONG, _SESSIONS_A_RUN):
            # The list only finds candidates; what is done about each follows from a fresh read.
            message = await self._turns.find_open_message(session_id)
            if message is None or (message.lease_until is not None and message.lease_until > now):
                continue
            found += 1
            await self._close(message)
        return found

    async def _close(self, message: Message) -> None:
        if message.attempt < self._limits.attempts:
            logger.warning("Turn %s was abandoned and is rung for again", message.message_id)
            await self._queue.ring(Doorbell(message.session_id, message.message_id))
            return
        recorder = TurnEventRecorder(message.turn, self._turns, self._bus, self._clock, self._ids)
        try:
            await recorder.record_end(MessageStatus.FAILED, attempts_spent(message), message.iterations)
        except TurnFencedError as fenced:
            logger.info("Turn %s was ended by another: %s", message.message_id, fenced)
