"""Keeps a running turn alive in the eyes of the others, and hears when it should stop."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

from backend.app.domain.errors import TurnCancelRequestedError
from backend.app.domain.limits import Limits
from backend.app.domain.message import TurnRef
from backend.app.domain.ports import Clock, TurnQueue
from backend.app.domain.turn_store_port import TurnStore

T = TypeVar("T")


class Heartbeat:
    """The heartbeat of one attempt: extends its lease and its doorbell, and looks for a cancel."""

    def __init__(
        self, turn: TurnRef, receipt: str, turns: TurnStore, queue: TurnQueue, clock: Clock, limits: Limits
    ) -> None:
        self._turn = turn
        self._receipt = receipt
        self._turns = turns
        self._queue = queue
        self._clock = clock
        self._limits = limits

    async def keep_alive_during(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work, which is cancelled when the turn must stop.

        Raises what the work raises, TurnCancelRequestedError, or TurnFencedError. Once this has returned nothing
        of it runs any more.
        """
        working = asyncio.create_task(work)
        beating = asyncio.create_task(self._beat())
        try:
            await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else beating.result()
        finally:
            working.cancel()
            beating.cancel()
            await asyncio.gather(working, beating, return_exceptions=True)

    async def _beat(self) -> NoReturn:
        loop = asyncio.get_running_loop()
        last_extended = loop.time()
        while True:
            await asyncio.sleep(self._limits.cancel_check_seconds)
            lease_until = None
            if loop.time() - last_extended >= self._limits.heartbeat_seconds:
                last_extended = loop.time()
                lease_until = self._clock.now() + timedelta(seconds=self._limits.lease_seconds)
                await self._queue.extend(self._receipt, self._limits.lease_seconds)
            signal = await self._turns.beat(self._turn, lease_until)
            if signal.cancel_requested:
                raise TurnCancelRequestedError
