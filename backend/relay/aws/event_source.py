"""The relay's event source on AWS: its own queue on the topic."""

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from backend.relay.aws.bus_parsing import MalformedBusMessageError, RelayProbe, parse_bus_message
from backend.relay.aws.relay_queue import BATCH_MESSAGES, AwsRelayQueue, QueueMessage, describe, is_gone
from backend.relay.metrics import RelayMetrics
from shared.bus_messages import BusMessage

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 20
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 20.0
_PROBE_SECONDS = 2.0
# While messages are still to be deleted, which hold back their sessions, no receive takes longer.
_SHORT_WAIT_SECONDS = 1
# How often a message's deletion is tried; after as many seconds it is no longer hidden, and its receipt handle is void.
_MOST_DELETIONS = 10


class AwsEventSource:
    """The EventSource of a relay on AWS. What goes wrong with AWS is waited out; the rooms fill from the log meanwhile.

    Attributes:
        proven: set once a probe of this relay came in: whatever is published from now on is heard.
    """

    def __init__(
        self,
        queue: AwsRelayQueue,
        metrics: RelayMetrics,
        *,
        wait_seconds: int = _WAIT_SECONDS,
        first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
    ) -> None:
        self.proven = asyncio.Event()
        self._queue = queue
        self._metrics = metrics
        self._wait_seconds = wait_seconds
        self._first_pause_seconds = first_pause_seconds
        self._failures = 0
        self._opened = asyncio.Event()
        # The receipt handles that are to be deleted, with the number of tries.
        self._handed_on: dict[str, int] = {}

    async def receive(self) -> Sequence[BusMessage]:
        """See EventSource. Makes the queue first, where there is none."""
        while True:
            try:
                events = await self._receive_once()
            except (ClientError, BotoCoreError) as error:
                await self._wait_out(error)
            else:
                self._note_success()
                if events:
                    return events

    async def prove(self) -> None:
        """Send probes through the topic until one comes in; receive() must be asked meanwhile."""
        await self._opened.wait()
        while not self.proven.is_set():
            try:
                await self._queue.publish_probe()
            except (ClientError, BotoCoreError) as error:
                logger.warning("A probe could not be sent: %s", describe(error))
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self.proven.wait()
            except TimeoutError:
                continue  # a subscription takes a while until it is served

    async def close(self) -> None:
        """Leave the topic and delete the queue. Never raises. Safe to repeat."""
        await self._queue.remove()

    async def _receive_once(self) -> list[BusMessage]:
        if not self._queue.is_open:
            await self._queue.open()
            self._opened.set()
        await self._delete_handed_on()
        wait_seconds = min(self._wait_seconds, _SHORT_WAIT_SECONDS) if self._handed_on else self._wait_seconds
        messages = await self._queue.receive(wait_seconds)
        self._handed_on |= dict.fromkeys((message.receipt_handle for message in messages), 0)
        now = datetime.now(UTC)
        return [event for message in messages if (event := self._read(message, now)) is not None]

    async def _delete_handed_on(self) -> None:
        """Delete what was passed on. What SQS does not delete is kept for the next time, up to a number of tries."""
        receipt_handles = tuple(self._handed_on)
        for batch in (
            receipt_handles[first : first + BATCH_MESSAGES] for first in range(0, len(receipt_handles), BATCH_MESSAGES)
        ):
            failed = set(await self._queue.delete(batch))
            for receipt_handle in batch:
                self._handed_on[receipt_handle] += 1
                if receipt_handle not in failed or self._handed_on[receipt_handle] >= _MOST_DELETIONS:
                    del self._handed_on[receipt_handle]

    def _read(self, message: QueueMessage, now: datetime) -> BusMessage | None:
        """The event in a message; None where there is none to pass on, and the message is only to be deleted."""
        try:
            parsed = parse_bus_message(message.body)
        except MalformedBusMessageError as error:
            self._metrics.count_malformed()
            logger.warning("A message on %s is no event and is deleted: %s", self._queue.name, error)
            return None
        if isinstance(parsed, RelayProbe):
            if parsed.queue == self._queue.name:
                self.proven.set()
            return None
        self._metrics.count_event(parsed.created_at, now)
        return parsed

    async def _wait_out(self, error: ClientError | BotoCoreError) -> None:
        if is_gone(error) and self._queue.is_open:
            logger.warning("The queue %s is gone and is made anew", self._queue.name)
            self._queue.forget()
            self._handed_on = {}
        self._failures += 1
        if self._failures == 1:
            logger.warning("Events of %s cannot be received for now: %s", self._queue.name, describe(error))
        longest = min(_LONGEST_PAUSE_SECONDS, self._first_pause_seconds * 2.0 ** min(self._failures - 1, 16))
        await asyncio.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret

    def _note_success(self) -> None:
        if self._failures:
            logger.warning("Events of %s are received again after %s failures", self._queue.name, self._failures)
        self._failures = 0
