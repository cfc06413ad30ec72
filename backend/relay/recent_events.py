"""The recent events of the rooms that are heard, for clients that were away for a moment."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from shared.events import LoggedEvent


def size_of(event: LoggedEvent) -> int:
    """The size of an event in bytes."""
    return len(event.model_dump_json())


class RecentEvents:
    """Events by session and number, up to a size and an age. They never change, so what is here is what the log holds.

    Whether a session still exists, and which event is its last, only the log knows.

    Args:
        most_bytes: how much is kept.
        seconds: how long an event is kept.
        measure: the size of an event in bytes.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        most_bytes: int,
        seconds: float,
        measure: Callable[[LoggedEvent], int] = size_of,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._measure = measure
        self._now = now
        self._bytes = 0
        self._events: OrderedDict[tuple[str, int], tuple[LoggedEvent, int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: LoggedEvent) -> None:
        """Keep an event of the log. Safe to repeat."""
        key = (event.session_id, event.seq)
        if key not in self._events:
            size = self._measure(event)
            self._events[key] = (event, size, self._now())
            self._bytes += size
        self._forget_old()

    def after(self, session_id: str, seq: int, most: int, up_to: int | None = None) -> list[LoggedEvent]:
        """The consecutive events that follow a number, as far as they are here."""
        self._forget_old()
        found: list[LoggedEvent] = []
        while len(found) < most and (up_to is None or seq < up_to):
            seq += 1
            kept = self._events.get((session_id, seq))
            if kept is None:
                break
            found.append(kept[0])
        return found

    def has(self, session_id: str, seq: int) -> bool:
        """Whether this event is here."""
        return (session_id, seq) in self._events

    def forget(self, session_id: str, up_to: int) -> None:
        """The session is gone: nothing of it may be told any more."""
        for seq in range(1, up_to + 1):
            kept = self._events.pop((session_id, seq), None)
            if kept is not None:
                self._bytes -= kept[1]

    def _forget_old(self) -> None:
        until = self._now() - self._seconds
        while self._events:
            _event, size, since = next(iter(self._events.values()))
            if self._bytes <= self._most_bytes and since > until:
                return
            self._events.popitem(last=False)
            self._bytes -= size
