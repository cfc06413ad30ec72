"""Wait slots as items of the table: each call takes one by a conditional write, since no two processes share memory."""

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
from shared.aws_item import update
from shared.aws_table import AwsTable, ConditionFailedError
from shared.table_keys import wait_slot_key

logger = logging.getLogger(__name__)

# So many slots are tried, at random. When half of them are held, three of four callers still find one; when nearly all
# are, a caller is answered at once after two small writes. To look for the last free one would cost more than it saves.
_TRIES = 2
# A slot is worth no more than this; without one the caller is answered at once.
_PATIENCE_SECONDS = 2.0
# A holder's clock may differ, and it gives its slot back a little after its time.
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
            logger.warning("No slot to wait in could be taken: %s", error)
        return None

    async def _try_slot(self, wanted: _Held, duration: timedelta) -> bool:
        now = self._clock.now()
        # The holder's own too: boto3 repeats a write whose answer was lost.
        is_free = "attribute_not_exists(#held_until) OR #held_until <= :now OR #holder = :holder"
        try:
            await self._table.write(
                slot=update(
                    wait_slot_key(wanted.slot),
                    "SET #holder = :holder, #held_until = :until",
                    is_free,
                    holder=wanted.holder,
                    now=to_iso(now),
                    until=to_iso(now + duration + _GRACE),
                )
            )
        except ConditionFailedError:
            return False
        return True

    async def _release(self, held: _Held) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._table.write(
                    slot=update(wait_slot_key(held.slot), "REMOVE #held_until", "#holder = :holder", holder=held.holder)
                )
        except ConditionFailedError:
            pass  # its time was over, and somebody else holds it
        except (ClientError, BotoCoreError, TimeoutError) as error:
            logger.warning("A slot to wait in was not given back; it is free when its time is over: %s", error)
