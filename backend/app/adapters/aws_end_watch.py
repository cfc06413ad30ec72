"""Waits for the end of a message by looking at it: no bus reaches an HTTP function."""

import asyncio

from backend.app.domain.message import MessageStatus
from shared.aws_table import AwsTable
from shared.table_keys import message_key, message_locator_key

# Often at first: a cancelled or refused turn ends soon. Then a look costs half a read unit, twice a second.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 0.5
_GROWTH = 1.5


class AwsEndWatch:
    """The EndWatch of AWS."""

    def __init__(self, table: AwsTable) -> None:
        self._table = table

    async def wait_for_end(self, message_id: str, timeout: float) -> None:
        """See EndWatch."""
        try:
            async with asyncio.timeout(timeout):
                await self._look_until_ended(message_id)
        except TimeoutError:
            return  # a hint is all that is owed

    async def _look_until_ended(self, message_id: str) -> None:
        locator = await self._table.get(message_locator_key(message_id))
        seconds = _FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(seconds)
            seconds = min(seconds * _GROWTH, _LONGEST_PAUSE_SECONDS)
            if locator is None:
                continue  # nobody knows it: as for one that never ends
            message = await self._table.get(message_key(locator["session_id"], locator["number"]))
            if message is None or not MessageStatus(message["status"]).is_open:
                return
