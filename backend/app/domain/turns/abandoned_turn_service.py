"""Finds turns that no worker has: notifies of them again, or fails them."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from backend.app.domain.errors import TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import Clock, EventBus, IdGenerator, TurnNotification, TurnQueue
from backend.app.domain.turns.next_message import notify_of_next
from backend.app.domain.turns.ports import TurnStore
from backend.app.domain.turns.rescue import next_rescue_at
from backend.app.domain.turns.turn_recorder import TurnEventRecorder
from backend.app.domain.turns.turn_service import attempts_spent

logger = logging.getLogger(__name__)

# Candidates that are looked at at the same time: each costs a few round trips.
_PARALLEL = 16


@dataclass(frozen=True, slots=True)
class AbandonedTurns:
    """What a search found.

    Attributes:
        lost: turns that no worker has, although one should.
        waiting: turns that wait for a worker because all are busy: nothing is wrong with them.
    """

    lost: int
    waiting: int


class _Finding(Enum):
    LOST = auto()
    WAITING = auto()
    CARED_FOR = auto()  # a worker has it, it ended, or it is not due yet


class AbandonedTurnService:
    """Called by a schedule, and with what the queue gave up on. Safe to call at any time, any number of times.

    `max_turns` is how many turns the worker pool runs at the same time.
    """

    def __init__(
        self,
        turns: TurnStore,
        queue: TurnQueue,
        bus: EventBus,
        clock: Clock,
        ids: IdGenerator,
        limits: Limits,
        *,
        max_turns: int,
    ) -> None:
        self._turns = turns
        self._queue = queue
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._max_turns = max_turns

    async def close_abandoned_turns(self) -> AbandonedTurns:
        """Notify of lost turns with attempts left, fail the others.

        A turn that cannot be looked after keeps none of the others from it. Raises ExceptionGroup with their errors
        after all were looked at.
        """
        now = self._clock.now()
        is_full = await self._turns.count_running(now, self._max_turns) >= self._max_turns
        found: Counter[_Finding] = Counter()
        errors: list[Exception] = []
        async for session_ids in _chunks(self._turns.list_due_sessions(now)):
            for finding in await self._look_after_all(session_ids, now, is_full=is_full):
                if isinstance(finding, Exception):
                    errors.append(finding)
                else:
                    found[finding] += 1
        if errors:
            raise ExceptionGroup(f"{len(errors)} sessions could not be looked after", errors)
        return AbandonedTurns(found[_Finding.LOST], found[_Finding.WAITING])

    async def _look_after_all(
        self, session_ids: Iterable[str], now: datetime, *, is_full: bool
    ) -> list[_Finding | Exception]:
        async def look_after(session_id: str) -> _Finding | Exception:
            try:
                return await self._look_after(session_id, now, is_full=is_full)
            except Exception as error:
                logger.exception("Session %s could not be looked after", session_id)
                return error

        return await asyncio.gather(*map(look_after, session_ids))

    async def _look_after(self, session_id: str, now: datetime, *, is_full: bool) -> _Finding:
        # The list only finds candidates; what is done about each follows from a fresh read.
        message = await self._turns.find_open_message(session_id)
        if message is None or message.due_at is None or message.due_at > now:
            return _Finding.CARED_FOR
        if message.lease_until is not None and message.lease_until > now:
            return _Finding.CARED_FOR
        if message.attempt >= self._limits.attempts:
            await self._fail(message)
        elif is_full:
            # It would only make the queue longer. One that waits has a notification there; one whose worker died is due
            # since its lease ended.
            return _Finding.LOST if message.due_at == message.lease_until else _Finding.WAITING
        elif not await self._rescue(message, now):
            return _Finding.CARED_FOR
        return _Finding.LOST

    async def _rescue(self, message: Message, now: datetime) -> bool:
        # Noted first: two searches at the same time must not both notify.
        if not await self._turns.note_rescue(message, next_rescue_at(now, message.rescues + 1)):
            return False
        logger.warning("Turn %s was lost and is notified of again", message.message_id)
        await self._queue.enqueue(TurnNotification(message.session_id, message.message_id, is_rescue=True))
        return True

    async def _fail(self, message: Message) -> None:
        recorder = TurnEventRecorder(message.turn, self._turns, self._bus, self._clock, self._ids)
        try:
            await recorder.record_end(MessageStatus.FAILED, attempts_spent(message), message.iterations)
        except TurnFencedError as fenced:
            logger.info("Turn %s was ended by another: %s", message.message_id, fenced)
        else:
            await notify_of_next(self._turns, self._queue, message.session_id)


async def _chunks(session_ids: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    chunk: list[str] = []
    async for session_id in session_ids:
        chunk.append(session_id)
        if len(chunk) == _PARALLEL:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
