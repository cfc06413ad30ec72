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

# The bounds of the buffer. It fills up only while the topic cannot be reached; the log has the events.
_MAX_WAITING_EVENTS = 2_000
_MAX_WAITING_BYTES = 16_000_000
# Attempts per event; within each of them the client retries for seconds.
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2


class AwsEventBus:
    """The EventBus on SNS FIFO. One per process.

    publish() adds the event to a bounded buffer, which a task on the running event loop sends. A Lambda's loop stops
    between invocations, so a handler awaits flush() before it returns.

    Attributes:
        dropped: how many events were never published, because the buffer was full or SNS refused them. The relays read
            them from the log. Never decreases.
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
        """See EventBus. Returns without waiting; an event that does not fit is dropped and counted."""
        try:
            waiting = waiting_event(event)
        except ValueError as error:  # a lone surrogate
            self._drop(f"{event.type} cannot be written as JSON: {type(error).__name__}", 1)
            return
        if waiting.size > BATCH_BYTES:
            self._drop(f"{event.type} of {waiting.size} bytes is too large for the topic", 1)
            return
        if self._waiting.add(waiting):
            self._start_sending()
        else:
            self._drop_because_full()

    async def flush(self, timeout: float) -> bool:
        """Wait until all events so far are published or dropped, at most `timeout` seconds.

        Returns whether the buffer is empty. Remaining events are sent when the loop next runs.
        """
        if self._waiting:
            self._start_sending()
        if self._sender is not None and self._loop is asyncio.get_running_loop():
            await asyncio.wait({self._sender}, timeout=timeout)
        return not self._waiting

    def take_dropped(self) -> int:
        """How many events were dropped since the last call."""
        taken, self._taken = self.dropped - self._taken, self.dropped
        return taken

    async def close(self) -> None:
        """Stop sending and drop what is still in the buffer (the log has it). Safe to repeat."""
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
                # A bug here must not stop the bus for the rest of the process.
                logger.exception("Events were not published")
                self.dropped += len(batch)
                again = []
            # Only now: if the sender is cancelled during the call, its events stay in the buffer and are sent again
            # under the same de-duplication ids.
            self._waiting.replace(batch, again)
            if again:
                await asyncio.sleep(self._pause_seconds * max(event.attempts for event in again))
        self._is_full = False

    async def _send(self, batch: Sequence[WaitingEvent]) -> list[WaitingEvent]:
        """Publish a batch. Returns the events to retry, in order."""
        entries = [event.entry(number) for number, event in enumerate(batch)]
        try:
            answer = await self._sns.call("publish_batch", TopicArn=self._topic_arn, PublishBatchRequestEntries=entries)
        except (ClientError, BotoCoreError) as error:
            # SNS may have accepted it; then it recognises the retries by their de-duplication ids.
            return self._retriable(batch, _reason(error))
        failed = {int(entry["Id"]): entry for entry in answer.get("Failed", [])}
        return self._sort_failed(batch, failed)

    def _sort_failed(self, batch: Sequence[WaitingEvent], failed: dict[int, dict[str, Any]]) -> list[WaitingEvent]:
        again: list[WaitingEvent] = []
        overtaken: set[str] = set()
        # Backwards: a failed event can only be retried if no later one of its group succeeded.
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
            self._drop(f"SNS refused them {_ATTEMPTS} times: {reason}", spent)
        return [event for event in events if event.attempts < _ATTEMPTS]

    def _drop_because_full(self) -> None:
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
