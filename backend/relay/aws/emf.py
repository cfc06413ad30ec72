"""How a relay's counts are told to CloudWatch: in the embedded metric format, on standard output."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from backend.relay.metrics import RelayFigures

NAMESPACE = "Vibewire"
SERVICE = "relay"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What a relay holds now."""

    connections: int
    rooms: int


def report(figures: RelayFigures, occupancy: Occupancy, stack: str = "vibewire") -> None:
    """Write one report to standard output and begin to count anew. `stack` is the dimension of all its metrics."""
    # No service, whatever POWERTOOLS_SERVICE_NAME says: a dimension more would make other metrics of them.
    metrics = Metrics(namespace=NAMESPACE, service="")
    metrics.add_dimension("stack", stack)
    # The autoscaling follows Connections: each task reports its own, so that the average is that of one task.
    metrics.add_metric("Connections", MetricUnit.Count, occupancy.connections)
    metrics.add_metric("Rooms", MetricUnit.Count, occupancy.rooms)
    metrics.add_metric("EventsReceived", MetricUnit.Count, figures.events)
    metrics.add_metric("MalformedMessages", MetricUnit.Count, figures.malformed)
    metrics.add_metric("Deliveries", MetricUnit.Count, figures.deliveries)
    metrics.add_metric("ClientsDropped", MetricUnit.Count, figures.drops.total())
    metrics.add_metric("ConnectionsRefused", MetricUnit.Count, figures.refusals.total())
    # The one reason that calls for somebody: an alarm watches it.
    metrics.add_metric("ConnectionsRefusedFull", MetricUnit.Count, figures.refusals["full"])
    metrics.add_metric("GapsFilled", MetricUnit.Count, figures.holes)
    metrics.add_metric("LogReads", MetricUnit.Count, figures.log_reads)
    if figures.flushes:
        metrics.add_metric("FlushSize", MetricUnit.Count, round(figures.flushed_events / figures.flushes, 2))
        metrics.add_metric("LargestFlush", MetricUnit.Count, figures.largest_flush)
    if figures.events:
        metrics.add_metric("EventLag", MetricUnit.Milliseconds, round(figures.lag_seconds * 1_000, 1))
    # All reasons, but not as dimensions: each would be a metric of its own.
    for name, counted in (("dropped", figures.drops), ("refused", figures.refusals)):
        if counted:
            metrics.add_metadata(name, dict(counted))
    figures.reset()
    metrics.flush_metrics()


async def report_regularly(
    figures: RelayFigures, occupancy: Callable[[], Occupancy], stack: str, seconds: float = 60.0
) -> None:
    """Report until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        report(figures, occupancy(), stack)
