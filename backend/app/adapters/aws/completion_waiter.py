"""Waits for the end of a message by polling it: HTTP functions do not receive bus events."""

import asyncio
import logging

from botocore.exceptions import BotoCoreError, ClientError

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from shared.aws_table import AwsTable
from shared.table_keys import message_key

logger = logging.getLogger(__name__)

# Short at first: a cancelled or refused turn ends soon. Each read costs half a read unit.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 0.2
_GROWTH = 1.2


class AwsCompletionWaiter:
    """The CompletionWaiter of AWS. Its reads are eventually consistent: the caller reads the message again."""

    def __init__(self, table: AwsTable) -> None:
        self._table = table

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        """See CompletionWaiter."""
        try:
            async with deadline(seconds_from_now(timeout)):
                await self._poll_until_ended(message)
        except DeadlineExceededError:
            return  # the port promises only a hint

    async def _poll_until_ended(self, message: Message) -> None:
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
            # The message is queued and will run, so a failed poll must not fail the request.
            logger.warning("Polling message %s for its end failed: %s", message.message_id, error)
            return False
        return item is None or not MessageStatus(item["status"]).is_open
