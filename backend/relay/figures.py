"""What a relay counts, and how it is told to CloudWatch: in the embedded metric format, on standard output."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "Vibewire"
SERVICE = "relay"


@dataclass
class RelayFigures:
    """Counts since the last report.

    Attributes:
        events: events that came in.
        malformed: messages that were none.
        lag_seconds: the longest that an event took from where it happened to here.
    """

    events: int = 0
    malformed: int = 0
    lag_seconds: float = 0.0

    def count_event(self, created_at: datetime) -> None:
        """An event came in."""
        self.events += 1
        self.lag_seconds = max(self.lag_seconds, (datetime.now(UTC) - created_at).total_seconds())

    def count_malformed(self) -> None:
        """Something came in that is no event."""
        self.malformed += 1


def report(figures: RelayFigures, connections: int) -> None:
    """Write one report to standard output and begin to count anew."""
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_metric("Connections", MetricUnit.Count, connections)
    metrics.add_metric("EventsReceived", MetricUnit.Count, figures.events)
    metrics.add_metric("MalformedMessages", MetricUnit.Count, figures.malformed)
    if figures.events:
        metrics.add_metric("EventLag", MetricUnit.Milliseconds, round(figures.lag_seconds * 1_000, 1))
    figures.events, figures.malformed, figures.lag_seconds = 0, 0, 0.0
    metrics.flush_metrics()


async def report_regularly(figures: RelayFigures, connections: Callable[[], int], seconds: float = 60.0) -> None:
    """Report until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        report(figures, connections())
