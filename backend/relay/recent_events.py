"""The recent events of the rooms that are heard, as they are sent, for clients that were away for a moment."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from backend.relay.encoding import EncodedEvent, encode
from shared.events import Event, LoggedBase, LoggedEvent


class Kept(NamedTuple):
    """An event, as it is sent, and since when it is kept."""

    event: LoggedEvent
    encoded: EncodedEvent
    since: float


class RecentEvents:
    """Events by session and number, up to a size and an age. They never change, so what is here is what the log holds.

    Whether a session still exists, and which event is its last, only the log knows.

    Args:
        most_bytes: how much is kept, in bytes as sent.
        seconds: how long an event is kept.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, most_bytes: int, seconds: float, now: Callable[[], float] = monotonic) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._now = now
        self._bytes = 0
        self._events: OrderedDict[tuple[str, int], Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: LoggedEvent) -> None:
        """Keep an event of the log. Safe to repeat."""
        key = (event.session_id, event.seq)
        if key in self._events:
            return
        now = self._now()
        kept = self._events[key] = Kept(event, encode(event), now)
        self._bytes += len(kept.encoded.frame)
        self._forget_old(now)

    def encode(self, event: Event) -> EncodedEvent:
        """The event on the wire, which was made already where it is kept here."""
        if isinstance(event, LoggedBase):
            kept = self._events.get((event.session_id, event.seq))
            if kept is not None:
                return kept.encoded
        return encode(event)

    def after(self, session_id: str, seq: int, most: int, up_to: int | None = None) -> list[LoggedEvent]:
        """The consecutive events that follow a number, as far as they are here."""
        self._forget_old(self._now())
        found: list[LoggedEvent] = []
        while len(found) < most and (up_to is None or seq < up_to):
            seq += 1
            kept = self._events.get((session_id, seq))
            if kept is None:
                break
            found.append(kept.event)
        return found

    def has(self, session_id: str, seq: int) -> bool:
        """Whether this event is here."""
        return (session_id, seq) in self._events

    def forget(self, session_id: str) -> None:
        """The session is gone: nothing of it may be told any more."""
        for key in [key for key in self._events if key[0] == session_id]:
            self._bytes -= len(self._events.pop(key).encoded.frame)

    def _forget_old(self, now: float) -> None:
        until = now - self._seconds
        while self._events:
            oldest = next(iter(self._events.values()))
            if self._bytes <= self._most_bytes and oldest.since > until:
                return
            self._events.popitem(last=False)
            self._bytes -= len(oldest.encoded.frame)
