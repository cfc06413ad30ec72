"""What a relay counts."""

from collections import Counter
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime


@dataclass
class RelayMetrics:
    """Counts since the last report.

    Attributes:
        events: events that came in.
        malformed: messages that were none.
        lag_seconds: the longest that an event took from where it happened to here.
        deliveries: events that were sent, once for each client.
        gaps_filled: sessions whose missing events were read from the log, since the bus had not brought them.
        log_reads: reads of the log.
        flushes: how often rooms were written to at once, and what that wrote in events; none of the stock path.
        flushed_events: see flushes.
        largest_flush: the most events that one client was written at once.
        drops: clients that were cut off, by reason.
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
        """Begin to count anew, in place: all who count share this object."""
        for counted in fields(self):
            factory = counted.default_factory
            setattr(self, counted.name, counted.default if factory is MISSING else factory())

    def count_event(self, created_at: datetime, now: datetime) -> None:
        """An event came in; those of a batch have one `now`."""
        self.events += 1
        lag = (now - created_at).total_seconds()
        if lag > self.lag_seconds:
            self.lag_seconds = lag

    def count_malformed(self) -> None:
        """Something came in that is no event."""
        self.malformed += 1

    def count_flush(self, events: int) -> None:
        """A room was written so many events at once."""
        self.flushes += 1
        self.flushed_events += events
        self.largest_flush = max(self.largest_flush, events)
