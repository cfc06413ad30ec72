"""What waits to be published on SNS: bounded, in order, and cut into calls that SNS takes."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.bus_messages import BusMessage

# SNS takes 10 messages and 256 KiB a call, attributes included. Some room is left: what exactly SNS counts besides the
# bodies is not documented.
BATCH_EVENTS = 10
BATCH_BYTES = 250_000


@dataclass(slots=True)
class WaitingEvent:
    """An event on its way, as SNS is to have it."""

    event_id: str
    group: str
    body: str
    size: int
    attempts: int = 0

    def entry(self, number: int) -> dict[str, str]:
        """Its place in a call of PublishBatch."""
        return {
            "Id": str(number),
            "Message": self.body,
            "MessageGroupId": self.group,
            "MessageDeduplicationId": self.event_id,
        }


def waiting_event(event: BusMessage) -> WaitingEvent:
    """An event as SNS is to have it. Raises ValueError where it holds text that is none."""
    # The two characters that SQS takes in no message; in JSON they can only be part of a text.
    body = event.model_dump_json().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    group = getattr(event, "session_id", None) or event.project_id
    return WaitingEvent(event.event_id, group, body, len(body.encode()))


class EventBuffer:
    """Events in the order in which they are to go out."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: deque[WaitingEvent] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: WaitingEvent) -> bool:
        """Take an event. Returns whether there was room for it."""
        if len(self._events) >= self._max_events or self._bytes + event.size > self._max_bytes:
            return False
        self._events.append(event)
        self._bytes += event.size
        return True

    def next_batch(self) -> list[WaitingEvent]:
        """The oldest events, as many as fit in a call. They stay here until they are replaced."""
        batch: list[WaitingEvent] = []
        size = 0
        for event in self._events:
            if len(batch) == BATCH_EVENTS or size + event.size > BATCH_BYTES:
                break
            batch.append(event)
            size += event.size
        return batch

    def replace(self, batch: Sequence[WaitingEvent], again: Sequence[WaitingEvent]) -> None:
        """Let go of a batch, but for those that are to be sent again: they stay ahead of all others."""
        for event in batch:
            self._events.popleft()
            self._bytes -= event.size
        self._events.extendleft(reversed(again))
        self._bytes += sum(event.size for event in again)

    def clear(self) -> None:
        """Let go of everything."""
        self._events.clear()
        self._bytes = 0
