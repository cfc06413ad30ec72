"""Keeps the lease of a running turn, and stops the turn when it is cancelled or fenced."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

from backend.app.domain.errors import TurnCancelRequestedError, TurnError, TurnFencedError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import TurnRef
from backend.app.domain.ports import Clock, TurnQueue
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline
from backend.app.domain.turns.ports import TurnStore

T = TypeVar("T")

logger = logging.getLogger(__name__)

# A lease is extended at least this often during its length, however long the interval of heartbeats is set.
_HEARTBEATS_PER_LEASE = 3
# The attempt stops when the lease was not extended for this share of its length: the rest is for a clean stop.
_SAFE_SHARE = 5 / 6


class Heartbeat:
    """The heartbeat of one attempt: extends its lease and its notification's visibility, and checks for a cancel.

    A heartbeat that fails is retried: the attempt ends only when its lease is about to run out. Create it right after
    the turn was claimed.
    """

    def __init__(
        self, turn: TurnRef, receipt_handle: str, turns: TurnStore, queue: TurnQueue, clock: Clock, limits: Limits
    ) -> None:
        self._turn = turn
        self._handle = receipt_handle
        self._turns = turns
        self._queue = queue
        self._clock = clock
        self._limits = limits
        self._interval = min(limits.heartbeat_seconds, limits.lease_seconds / _HEARTBEATS_PER_LEASE)
        self._extended_at = asyncio.get_running_loop().time()
        self._is_failing = False

    async def keep_alive_during(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of the work, which is cancelled when the turn must stop.

        Raises what the work raises, TurnCancelRequestedError, TurnFencedError, or TurnError "lease_not_extended"
        (retryable). The work has ended when this returns.
        """
        working = asyncio.create_task(work)
        beating = asyncio.create_task(self._send_heartbeats())
        try:
            await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else beating.result()
        finally:
            working.cancel()
            beating.cancel()
            await asyncio.gather(working, beating, return_exceptions=True)

    async def _send_heartbeats(self) -> NoReturn:
        while True:
            extended_at = self._extended_at
            try:
                async with deadline(extended_at + self._limits.lease_seconds * _SAFE_SHARE):
                    while self._extended_at == extended_at:
                        await asyncio.sleep(self._limits.cancel_check_seconds)
                        await self._try_heartbeat()
            except DeadlineExceededError as error:
                detail = f"The turn's lease of {self._limits.lease_seconds:g} s could not be extended in time."
                raise TurnError("lease_not_extended", detail, retryable=True) from error

    async def _try_heartbeat(self) -> None:
        began_at = asyncio.get_running_loop().time()
        is_due = began_at - self._extended_at >= self._interval
        try:
            if is_due:
                await self._extend_visibility()
            lease_until = self._clock.now() + timedelta(seconds=self._limits.lease_seconds) if is_due else None
            result = await self._turns.heartbeat(self._turn, lease_until)
        except TurnFencedError:
            raise
        except Exception:
            # The store may answer the next one; ending the attempt now would waste the model calls that it has made.
            if not self._is_failing:
                logger.exception("A heartbeat failed; it is retried")
            self._is_failing = True
            return
        self._is_failing = False
        if result.cancel_requested:
            raise TurnCancelRequestedError
        if is_due:
            self._extended_at = began_at

    async def _extend_visibility(self) -> None:
        try:
            await self._queue.extend(self._handle, self._limits.lease_seconds)
        except Exception:
            # A worker that receives the notification again finds the turn held: the lease decides, not the queue.
            logger.exception("The visibility of a notification could not be extended")
