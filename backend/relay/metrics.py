"""The counters of a relay."""

from collections import Counter
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime


@dataclass
class RelayMetrics:
    """Counts since the last report.

    Attributes:
        events: events that were received.
        malformed: received messages that are no events.
        lag_seconds: the longest time from an event's creation to its arrival here.
        deliveries: sent events, counted once for each client.
        gaps_filled: sessions whose missing events were backfilled from the log.
        log_reads: reads of the log.
        flushes: writes of the fast path to a room.
        flushed_events: the events that those wrote.
        largest_flush: the most events in one of them.
        drops: clients that were disconnected, by reason.
        refusals: connections that were refused, by reason.
    """

    events: int = 0
    malformed: int = 0
    lag_seconds: float = 0.0
    deliveries: int = 0
    gaps_filled: int = 0
    log_reads: int = 0
    flushes: int = 0
    flushed_events: int = 0
    largest_flush: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)

    def reset(self) -> None:
        """Set all counters to zero, in place: all parts of the relay share this object."""
        for counted in fields(self):
            factory = counted.default_factory
            setattr(self, counted.name, counted.default if factory is MISSING else factory())

    def count_event(self, created_at: datetime, now: datetime) -> None:
        """Count a received event; all events of a batch have the same `now`."""
        self.events += 1
        lag = (now - created_at).total_seconds()
        if lag > self.lag_seconds:
            self.lag_seconds = lag

    def count_flush(self, events: int) -> None:
        """Count one write of `events` events to a room."""
        self.flushes += 1
        self.flushed_events += events
        self.largest_flush = max(self.largest_flush, events)
