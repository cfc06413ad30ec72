"""The relay's event source on AWS: its own queue on the topic."""

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from backend.relay.aws.bus_parsing import MalformedBusMessageError, RelayProbe, parse_bus_message
from backend.relay.aws.relay_queue import BATCH_MESSAGES, AwsRelayQueue, QueueMessage, describe, is_missing
from backend.relay.metrics import RelayMetrics
from shared.bus_messages import BusMessage

logger = logging.getLogger(__name__)

# The longest that SQS allows.
POLL_SECONDS = 20
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 20.0
_PROBE_SECONDS = 2.0
# A message that is not deleted blocks its session: while there are some, receives are short.
_SHORT_WAIT_SECONDS = 1
# After about as many seconds the message is visible again, and its receipt handle is invalid.
_MOST_DELETIONS = 10


class AwsEventSource:
    """The EventSource of a relay on AWS. AWS errors are retried; until they end, rooms are backfilled from the log.

    Attributes:
        is_receiving: set once a probe of this relay arrived: events published from then on arrive too.
    """

    def __init__(
        self,
        queue: AwsRelayQueue,
        metrics: RelayMetrics,
        *,
        wait_seconds: int = POLL_SECONDS,
        first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
    ) -> None:
        self.is_receiving = asyncio.Event()
        self._queue = queue
        self._metrics = metrics
        self._wait_seconds = wait_seconds
        self._first_pause_seconds = first_pause_seconds
        self._failures = 0
        self._opened = asyncio.Event()
        # Receipt handles of delivered messages, with the number of attempts to delete them.
        self._undeleted: dict[str, int] = {}

    async def receive(self) -> Sequence[BusMessage]:
        """See EventSource. Creates the queue first, if there is none."""
        while True:
            try:
                events = await self._receive_once()
            except (ClientError, BotoCoreError) as error:
                await self._back_off(error)
            else:
                self._note_success()
                if events:
                    return events

    async def probe(self) -> None:
        """Publish probes until one arrives; receive() must be called concurrently."""
        await self._opened.wait()
        while not self.is_receiving.is_set():
            try:
                await self._queue.publish_probe()
            except (ClientError, BotoCoreError) as error:
                logger.warning("A probe could not be published: %s", describe(error))
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self.is_receiving.wait()
            except TimeoutError:
                continue  # a new subscription takes some time to become effective

    async def close(self) -> None:
        """Unsubscribe from the topic and delete the queue. Never raises. Safe to repeat."""
        await self._queue.remove()

    async def _receive_once(self) -> list[BusMessage]:
        if not self._queue.is_open:
            await self._queue.open()
            self._opened.set()
        await self._delete_delivered()
        wait_seconds = min(self._wait_seconds, _SHORT_WAIT_SECONDS) if self._undeleted else self._wait_seconds
        messages = await self._queue.receive(wait_seconds)
        self._undeleted |= dict.fromkeys((message.receipt_handle for message in messages), 0)
        now = datetime.now(UTC)
        return [event for message in messages if (event := self._read(message, now)) is not None]

    async def _delete_delivered(self) -> None:
        """Delete what was delivered. Failed deletions are tried again with the next call, up to a limit."""
        receipt_handles = tuple(self._undeleted)
        for batch in (
            receipt_handles[first : first + BATCH_MESSAGES] for first in range(0, len(receipt_handles), BATCH_MESSAGES)
        ):
            failed = set(await self._queue.delete(batch))
            for receipt_handle in batch:
                self._undeleted[receipt_handle] += 1
                if receipt_handle not in failed or self._undeleted[receipt_handle] >= _MOST_DELETIONS:
                    del self._undeleted[receipt_handle]

    def _read(self, message: QueueMessage, now: datetime) -> BusMessage | None:
        """The event in a message; None if there is none, and the message is only deleted."""
        try:
            parsed = parse_bus_message(message.body)
        except MalformedBusMessageError as error:
            self._metrics.malformed += 1
            logger.warning("A message on %s is no event and is deleted: %s", self._queue.name, error)
            return None
        if isinstance(parsed, RelayProbe):
            if parsed.queue == self._queue.name:
                self.is_receiving.set()
            return None
        self._metrics.count_event(parsed.created_at, now)
        return parsed

    async def _back_off(self, error: ClientError | BotoCoreError) -> None:
        if is_missing(error) and self._queue.is_open:
            logger.warning("The queue %s does not exist any more and is created again", self._queue.name)
            self._queue.mark_missing()
            self._undeleted = {}
        self._failures += 1
        if self._failures == 1:
            logger.warning("Events of %s cannot be received: %s", self._queue.name, describe(error))
        longest = min(_LONGEST_PAUSE_SECONDS, self._first_pause_seconds * 2.0 ** min(self._failures - 1, 16))
        await asyncio.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret

    def _note_success(self) -> None:
        if self._failures:
            logger.warning("Events of %s are received again after %s failures", self._queue.name, self._failures)
        self._failures = 0
