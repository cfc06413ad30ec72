"""Finds turns that no worker holds, and enqueues them again or fails them."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from backend.app.domain.engine import Engine
from backend.app.domain.errors import TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.next_message import notify_of_next_message
from backend.app.domain.turns.rescue import next_rescue_at
from backend.app.domain.turns.turn_recorder import TurnEventRecorder
from backend.app.domain.turns.turn_service import attempts_spent

logger = logging.getLogger(__name__)

# Candidates that are checked concurrently: each costs a few round trips.
_PARALLEL = 16


@dataclass(frozen=True, slots=True)
class AbandonedTurns:
    """The result of a search.

    Attributes:
        lost: turns that no worker holds although one should.
        waiting: turns that wait only because all workers are busy.
    """

    lost: int
    waiting: int


class _Finding(Enum):
    LOST = auto()
    WAITING = auto()
    OK = auto()  # a worker holds it, it ended, or it is not due yet


class AbandonedTurnService:
    """Called on a schedule, and for notifications in the dead-letter queue. Safe to call at any time, and to repeat.

    `max_turns` is how many turns the worker pool runs at a time.
    """

    def __init__(self, engine: Engine, limits: Limits, *, max_turns: int) -> None:
        self._engine = engine
        self._limits = limits
        self._max_turns = max_turns

    async def close_abandoned_turns(self) -> AbandonedTurns:
        """Enqueue lost turns that have attempts left, and fail the others.

        An error at one turn does not stop the others: all are checked, then their errors are raised as ExceptionGroup.
        """
        now = self._engine.clock.now()
        is_full = await self._engine.turns.count_running(now, self._max_turns) >= self._max_turns
        found: Counter[_Finding] = Counter()
        errors: list[Exception] = []
        async for session_ids in _chunks(self._engine.turns.list_due_sessions(now)):
            for finding in await self._check_all(session_ids, now, is_full=is_full):
                if isinstance(finding, Exception):
                    errors.append(finding)
                else:
                    found[finding] += 1
        if errors:
            raise ExceptionGroup(f"{len(errors)} sessions could not be checked for abandoned turns", errors)
        return AbandonedTurns(found[_Finding.LOST], found[_Finding.WAITING])

    async def _check_all(
        self, session_ids: Iterable[str], now: datetime, *, is_full: bool
    ) -> list[_Finding | Exception]:
        async def check(session_id: str) -> _Finding | Exception:
            try:
                return await self._check(session_id, now, is_full=is_full)
            except Exception as error:
                logger.exception("Session %s could not be checked for abandoned turns", session_id)
                return error

        return await asyncio.gather(*map(check, session_ids))

    async def _check(self, session_id: str, now: datetime, *, is_full: bool) -> _Finding:
        # The list may lag behind: read the message again.
        message = await self._engine.turns.find_open_message(session_id)
        if message is None or message.due_at is None or message.due_at > now:
            return _Finding.OK
        if message.lease_until is not None and message.lease_until > now:
            return _Finding.OK
        if message.attempt >= self._limits.attempts:
            await self._fail(message)
        elif is_full:
            # Another notification would only make the queue longer. A waiting turn has one there; a turn whose worker
            # died has been due since its lease ended.
            return _Finding.LOST if message.due_at == message.lease_until else _Finding.WAITING
        elif not await self._rescue(message, now):
            return _Finding.OK
        return _Finding.LOST

    async def _rescue(self, message: Message, now: datetime) -> bool:
        # Recorded first: of two concurrent searches only one must enqueue.
        if not await self._engine.turns.note_rescue(message, next_rescue_at(now, message.rescues + 1)):
            return False
        logger.warning("Turn %s was lost and is enqueued again", message.message_id)
        await self._engine.queue.enqueue(TurnNotification(message.session_id, message.message_id, is_rescue=True))
        return True

    async def _fail(self, message: Message) -> None:
        recorder = TurnEventRecorder(message.turn, self._engine)
        try:
            await recorder.record_end(MessageStatus.FAILED, attempts_spent(message), message.iterations)
        except TurnFencedError as fenced:
            logger.info("Turn %s was ended by another worker: %s", message.message_id, fenced)
        else:
            await notify_of_next_message(self._engine, message.session_id)


async def _chunks(session_ids: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    chunk: list[str] = []
    async for session_id in session_ids:
        chunk.append(session_id)
        if len(chunk) == _PARALLEL:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
