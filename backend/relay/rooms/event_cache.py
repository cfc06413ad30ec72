"""The recent events of the rooms that are heard, as they are sent, for clients that were away for a moment."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from backend.relay.rooms.encoding import EncodedEvent, decode, encode
from shared.events import Event, LoggedBase, LoggedEvent

# How often what is too old is looked for, where nothing else asks for it.
_LOOK_SECONDS = 1.0


class EventCache:
    """Events by session and number, up to a size and an age. They never change, so what is here is what the log holds.

    Whether a session still exists, and which event is its last, only the log knows.

    Kept are plain bytes: tens of thousands of models would make each full garbage collection a pause that clients see.

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
        self._next_look = 0.0
        # By session and number: the frame, and since when it is here.
        self._frames: OrderedDict[tuple[str, int], tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, event: LoggedEvent) -> None:
        """Keep an event of the log. Safe to repeat."""
        key = (event.session_id, event.seq)
        if key in self._frames:
            return
        now, frame = self._now(), encode(event).frame
        self._frames[key] = (frame, now)
        self._bytes += len(frame)
        if self._bytes > self._most_bytes or now >= self._next_look:
            self._forget_old(now)

    def encode(self, event: Event) -> EncodedEvent:
        """The event on the wire, which was made already where it is kept here."""
        if isinstance(event, LoggedBase):
            kept = self._frames.get((event.session_id, event.seq))
            if kept is not None:
                return EncodedEvent(kept[0])
        return encode(event)

    def after(self, session_id: str, seq: int, most: int, up_to: int | None = None) -> list[LoggedEvent]:
        """The consecutive events that follow a number, as far as they are here."""
        self._forget_old(self._now())
        found: list[LoggedEvent] = []
        while len(found) < most and (up_to is None or seq < up_to):
            seq += 1
            kept = self._frames.get((session_id, seq))
            if kept is None:
                break
            found.append(decode(EncodedEvent(kept[0])))
        return found

    def has(self, session_id: str, seq: int) -> bool:
        """Whether this event is here."""
        return (session_id, seq) in self._frames

    def forget(self, session_id: str) -> None:
        """The session is gone: nothing of it may be told any more."""
        for key in [key for key in self._frames if key[0] == session_id]:
            self._bytes -= len(self._frames.pop(key)[0])

    def _forget_old(self, now: float) -> None:
        self._next_look = now + _LOOK_SECONDS
        until = now - self._seconds
        while self._frames:
            frame, since = next(iter(self._frames.values()))
            if self._bytes <= self._most_bytes and since > until:
                return
            self._frames.popitem(last=False)
            self._bytes -= len(frame)
