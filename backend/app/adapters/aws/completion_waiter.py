"""Waits for the end of a message by looking at it: no bus reaches an HTTP function."""

import asyncio
import logging

from botocore.exceptions import BotoCoreError, ClientError

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from shared.aws_table import AwsTable
from shared.table_keys import message_key

logger = logging.getLogger(__name__)

# Often at first: a cancelled or refused turn ends soon. Then a look costs half a read unit, five times a second.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 0.2
_GROWTH = 1.2


class AwsCompletionWaiter:
    """The CompletionWaiter of AWS. Its looks may lag behind, which does no harm: its caller reads the message again."""

    def __init__(self, table: AwsTable) -> None:
        self._table = table

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        """See CompletionWaiter."""
        try:
            async with deadline(seconds_from_now(timeout)):
                await self._look_until_ended(message)
        except DeadlineExceededError:
            return  # a hint is all that is owed

    async def _look_until_ended(self, message: Message) -> None:
        seconds = _FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(seconds)
            seconds = min(seconds * _GROWTH, _LONGEST_PAUSE_SECONDS)
            if await self._may_have_ended(message):
                return

    async def _may_have_ended(self, message: Message) -> bool:
        try:
            item = await self._table.get(message_key(message.session_id, message.number), consistent=False)
        except (ClientError, BotoCoreError) as error:
            # The message is queued and will run: a look that fails is no reason to answer its sender otherwise.
            logger.warning("A look whether message %s has ended failed: %s", message.message_id, error)
            return False
        return item is None or not MessageStatus(item["status"]).is_open
