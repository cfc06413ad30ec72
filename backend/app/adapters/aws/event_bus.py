"""The event bus on an SNS FIFO topic: published in the background, in batches, in order within a session."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backend.app.adapters.aws.event_buffer import BATCH_BYTES, EventBuffer, WaitingEvent, waiting_event
from shared.aws_service import AwsService
from shared.bus_messages import BusMessage

logger = logging.getLogger(__name__)

# What may wait. More than this is a topic that cannot be reached; the log has the events.
_MAX_WAITING_EVENTS = 2_000
_MAX_WAITING_BYTES = 16_000_000
# The client itself retries each call for seconds; this often it is asked again.
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2


class AwsEventBus:
    """The EventBus on SNS FIFO. One per process.

    publish() puts the event into a bounded buffer and a task on the running event loop sends the buffer off. A Lambda's
    loop stands still between invocations: a handler waits for flush() before it returns.

    Attributes:
        dropped: events that were never published: the buffer was full, or SNS would not have them. The relays find
            them in the log. Only grows.
    """

    def __init__(
        self,
        sns: AwsService,
        topic_arn: str,
        *,
        max_events: int = _MAX_WAITING_EVENTS,
        max_bytes: int = _MAX_WAITING_BYTES,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self.dropped = 0
        self._taken = 0
        self._sns = sns
        self._topic_arn = topic_arn
        self._pause_seconds = pause_seconds
        self._waiting = EventBuffer(max_events, max_bytes)
        self._is_full = False
        self._sender: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def publish(self, event: BusMessage) -> None:
        """See EventBus. Returns at once; an event that does not fit is dropped and counted."""
        try:
            waiting = waiting_event(event)
        except ValueError as error:  # text that is no text: a half of a surrogate pair
            self._drop(f"{event.type} cannot be written as JSON: {type(error).__name__}", 1)
            return
        if waiting.size > BATCH_BYTES:
            self._drop(f"{event.type} of {waiting.size} bytes is too large for the topic", 1)
            return
        if self._waiting.add(waiting):
            self._start_sending()
        else:
            self._drop_for_want_of_room()

    async def flush(self, timeout: float) -> bool:
        """Wait until what was given so far is published or dropped, at most `timeout` seconds.

        Returns whether nothing is left. What is left stays in the buffer, and goes out when the loop next runs.
        """
        if self._waiting:
            self._start_sending()
        if self._sender is not None and self._loop is asyncio.get_running_loop():
            await asyncio.wait({self._sender}, timeout=timeout)
        return not self._waiting

    def take_dropped(self) -> int:
        """How many events were dropped since this was asked last."""
        taken, self._taken = self.dropped - self._taken, self.dropped
        return taken

    async def close(self) -> None:
        """Stop sending; what is still in the buffer is lost (the log has it). Safe to repeat."""
        if self._sender is not None and self._loop is asyncio.get_running_loop():
            self._sender.cancel()
            await asyncio.wait({self._sender})
        self._sender = None
        if self._waiting:
            self._drop("the bus was closed", len(self._waiting))
            self._waiting.clear()

    def _start_sending(self) -> None:
        loop = asyncio.get_running_loop()
        if self._sender is None or self._sender.done() or self._loop is not loop:
            self._loop = loop
            self._sender = loop.create_task(self._send_waiting(), name="event bus")

    async def _send_waiting(self) -> None:
        while self._waiting:
            batch = self._waiting.next_batch()
            try:
                again = await self._send(batch)
            except Exception:
                # A fault of this code must not end the bus for the rest of the process.
                logger.exception("Events were not published")
                self.dropped += len(batch)
                again = []
            # Only now: a sender that is cancelled in mid-call leaves its events in the buffer, and they go out again
            # under the same de-duplication ids.
            self._waiting.replace(batch, again)
            if again:
                await asyncio.sleep(self._pause_seconds * max(event.attempts for event in again))
        self._is_full = False

    async def _send(self, batch: Sequence[WaitingEvent]) -> list[WaitingEvent]:
        """Publish a batch. Returns what is to be tried again, in order."""
        entries = [event.entry(number) for number, event in enumerate(batch)]
        try:
            answer = await self._sns.call("publish_batch", TopicArn=self._topic_arn, PublishBatchRequestEntries=entries)
        except (ClientError, BotoCoreError) as error:
            # Whether it was taken is unknown; those that were are recognised by their de-duplication ids.
            return self._retriable(batch, _reason(error))
        failed = {int(entry["Id"]): entry for entry in answer.get("Failed", [])}
        return self._sort_failed(batch, failed)

    def _sort_failed(self, batch: Sequence[WaitingEvent], failed: dict[int, dict[str, Any]]) -> list[WaitingEvent]:
        again: list[WaitingEvent] = []
        overtaken: set[str] = set()
        # From the end: a failed event can only be sent again if no later one of its group went through.
        for number in range(len(batch) - 1, -1, -1):
            event, failure = batch[number], failed.get(number)
            if failure is None:
                overtaken.add(event.group)
            elif failure.get("SenderFault"):
                self._drop(f"SNS refused it: {failure.get('Code')}", 1)
            elif event.group in overtaken:
                self._drop(f"it failed ({failure.get('Code')}) and was overtaken by a later one of its session", 1)
            else:
                again.append(event)
        codes = ", ".join(sorted({str(failure.get("Code")) for failure in failed.values()}))
        return self._retriable(again[::-1], codes)

    def _retriable(self, events: Sequence[WaitingEvent], reason: str) -> list[WaitingEvent]:
        for event in events:
            event.attempts += 1
        spent = sum(event.attempts >= _ATTEMPTS for event in events)
        if spent:
            self._drop(f"SNS did not take them {_ATTEMPTS} times: {reason}", spent)
        return [event for event in events if event.attempts < _ATTEMPTS]

    def _drop_for_want_of_room(self) -> None:
        self.dropped += 1
        if not self._is_full:
            self._is_full = True
            logger.warning(
                "The bus is full (%s events): events are dropped until there is room; relays read them from the log",
                len(self._waiting),
            )

    def _drop(self, reason: str, count: int) -> None:
        self.dropped += count
        logger.warning("Dropped %s events on their way to the relays: %s", count, reason)


def _reason(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code"))
    return type(error).__name__
