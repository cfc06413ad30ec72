"""A bounded buffer of the events to publish on SNS, in order, read in batches of the size that SNS allows."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.bus_messages import BusMessage

# PublishBatch allows 10 messages and 256 KiB, attributes included. Somewhat less: what counts besides the bodies is not
# documented.
BATCH_EVENTS = 10
BATCH_BYTES = 250_000


@dataclass(slots=True)
class WaitingEvent:
    """An event to publish."""

    event_id: str
    group: str
    body: str
    size: int
    attempts: int = 0

    def entry(self, number: int) -> dict[str, str]:
        """Its entry of a PublishBatch call."""
        return {
            "Id": str(number),
            "Message": self.body,
            "MessageGroupId": self.group,
            "MessageDeduplicationId": self.event_id,
        }


def waiting_event(event: BusMessage) -> WaitingEvent:
    """An event as an SNS message. Raises ValueError if it holds a lone surrogate."""
    # SQS refuses these two characters; in JSON they can only be part of a string.
    body = event.model_dump_json().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    group = getattr(event, "session_id", None) or event.project_id
    return WaitingEvent(event.event_id, group, body, len(body.encode()))


class EventBuffer:
    """Events in the order in which they are published."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: deque[WaitingEvent] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: WaitingEvent) -> bool:
        """Add an event. Returns whether it fitted."""
        if len(self._events) >= self._max_events or self._bytes + event.size > self._max_bytes:
            return False
        self._events.append(event)
        self._bytes += event.size
        return True

    def next_batch(self) -> list[WaitingEvent]:
        """The oldest events that fit in one call. They stay in the buffer until `replace`."""
        batch: list[WaitingEvent] = []
        size = 0
        for event in self._events:
            if len(batch) == BATCH_EVENTS or size + event.size > BATCH_BYTES:
                break
            batch.append(event)
            size += event.size
        return batch

    def replace(self, batch: Sequence[WaitingEvent], again: Sequence[WaitingEvent]) -> None:
        """Remove a batch, and put the events to retry back in front of all others."""
        for event in batch:
            self._events.popleft()
            self._bytes -= event.size
        self._events.extendleft(reversed(again))
        self._bytes += sum(event.size for event in again)

    def clear(self) -> None:
        """Remove all events."""
        self._events.clear()
        self._bytes = 0
