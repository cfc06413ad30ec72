"""Wait slots as items of the table, acquired by conditional writes: the Lambdas share no memory."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from backend.app.adapters.timestamps import to_iso
from backend.app.domain.ports import Clock, IdGenerator
from shared.aws_item import Change, update
from shared.aws_table import AwsTable, ConditionFailedError
from shared.table_keys import wait_slot_key

logger = logging.getLogger(__name__)

# Random slots tried per call. With half of them held, three of four callers still get one; with nearly all held, the
# caller is answered without waiting after two small writes. Searching for the last free slot would cost more than it
# saves.
_TRIES = 2
# The longest time spent on acquiring a slot; without one the caller is answered without waiting.
_PATIENCE_SECONDS = 2.0
# For differences between clocks, and for the release of the slot.
_GRACE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Held:
    slot: int
    holder: str


class AwsWaitSlots:
    """The WaitSlots of AWS."""

    def __init__(self, table: AwsTable, clock: Clock, ids: IdGenerator) -> None:
        self._table = table
        self._clock = clock
        self._ids = ids

    @asynccontextmanager
    async def hold(self, slots: int, seconds: float) -> AsyncIterator[bool]:
        """See WaitSlots."""
        held = await self._acquire(slots, timedelta(seconds=seconds))
        try:
            yield held is not None
        finally:
            if held is not None:
                await self._release(held)

    async def _acquire(self, slots: int, duration: timedelta) -> _Held | None:
        holder = self._ids.new_id()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                for slot in random.sample(range(slots), min(_TRIES, slots)):
                    if await self._try_slot(_Held(slot, holder), duration):
                        return _Held(slot, holder)
        except (ClientError, BotoCoreError, TimeoutError) as error:
            logger.warning("No wait slot could be acquired: %s", error)
        return None

    async def _try_slot(self, wanted: _Held, duration: timedelta) -> bool:
        now = self._clock.now()
        # Its own slot counts as free: boto3 retries a write whose response was lost.
        is_free = "attribute_not_exists(#held_until) OR #held_until <= :now OR #holder = :holder"
        try:
            await self._table.write(
                slot=update(
                    wait_slot_key(wanted.slot),
                    Change({"holder": wanted.holder, "held_until": to_iso(now + duration + _GRACE)}),
                    is_free,
                    holder=wanted.holder,
                    now=to_iso(now),
                )
            )
        except ConditionFailedError:
            return False
        return True

    async def _release(self, held: _Held) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._table.write(
                    slot=update(
                        wait_slot_key(held.slot),
                        Change(removes=("held_until",)),
                        "#holder = :holder",
                        holder=held.holder,
                    )
                )
        except ConditionFailedError:
            pass  # it had expired, and another caller holds it
        except (ClientError, BotoCoreError, TimeoutError) as error:
            logger.warning("A wait slot was not released; it is free again when it expires: %s", error)
