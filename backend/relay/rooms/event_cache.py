"""The recent events of the rooms, encoded, for clients that reconnect after a short absence."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from backend.relay.rooms.encoder import Encoder
from shared.events import Event, LoggedBase, LoggedEvent

CACHE_BYTES = 16_000_000
# Longer than the reconnects of a deployment take.
CACHE_SECONDS = 300.0
# How often expired events are removed, where no read does it.
_EXPIRY_CHECK_SECONDS = 1.0


class EventCache:
    """Events by session and number, up to a size and an age.

    Events never change, so a cached one equals the log's. Only the log knows whether a session still exists, and which
    event is its last.

    Events are kept as bytes: tens of thousands of models would make each full garbage collection a noticeable pause.

    Args:
        encoder: encodes the events.
        max_bytes: the total size, in bytes as sent.
        max_age_seconds: how long an event is kept.
        now: seconds of a monotonic clock.
    """

    def __init__(
        self,
        encoder: Encoder,
        max_bytes: int,
        max_age_seconds: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._encoder = encoder
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._now = now
        self._bytes = 0
        self._next_check = 0.0
        # By session and number: the encoded event, and when it was added.
        self._events: OrderedDict[tuple[str, int], tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: LoggedEvent) -> None:
        """Cache an event of the log. Safe to repeat."""
        key = (event.session_id, event.seq)
        if key in self._events:
            return
        now, encoded = self._now(), self._encoder.encode(event)
        self._events[key] = (encoded, now)
        self._bytes += len(encoded)
        if self._bytes > self._max_bytes or now >= self._next_check:
            self._evict(now)

    def encode(self, event: Event) -> bytes:
        """The event as it is sent; a cached one is not encoded again."""
        if isinstance(event, LoggedBase):
            cached = self._events.get((event.session_id, event.seq))
            if cached is not None:
                return cached[0]
        return self._encoder.encode(event)

    def after(self, session_id: str, seq: int, limit: int, up_to: int | None = None) -> list[LoggedEvent]:
        """The consecutive cached events that follow a number, at most `limit`."""
        self._evict(self._now())
        found: list[LoggedEvent] = []
        while len(found) < limit and (up_to is None or seq < up_to):
            seq += 1
            cached = self._events.get((session_id, seq))
            if cached is None:
                break
            found.append(self._encoder.decode(cached[0]))
        return found

    def has(self, session_id: str, seq: int) -> bool:
        """Whether this event is cached."""
        return (session_id, seq) in self._events

    def remove_session(self, session_id: str) -> None:
        """Remove all events of a deleted session."""
        for key in [key for key in self._events if key[0] == session_id]:
            self._bytes -= len(self._events.pop(key)[0])

    def _evict(self, now: float) -> None:
        self._next_check = now + _EXPIRY_CHECK_SECONDS
        expired = now - self._max_age_seconds
        while self._events:
            encoded, added = next(iter(self._events.values()))
            if self._bytes <= self._max_bytes and added > expired:
                return
            self._events.popitem(last=False)
            self._bytes -= len(encoded)
