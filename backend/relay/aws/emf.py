"""Reports a relay's metrics to CloudWatch: in the embedded metric format, on standard output."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from backend.relay.metrics import RelayMetrics

NAMESPACE = "Vibewire"
SERVICE = "relay"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The gauges of a relay."""

    connections: int
    rooms: int


def report(metrics: RelayMetrics, occupancy: Occupancy, stack: str = "vibewire") -> None:
    """Write one report to standard output and reset the counters. `stack` is the dimension of all metrics."""
    # No service, whatever POWERTOOLS_SERVICE_NAME says: another dimension would make them other metrics.
    emf = Metrics(namespace=NAMESPACE, service="")
    emf.add_dimension("stack", stack)
    # Autoscaling tracks Connections: each task reports its own, so the average is that of one task.
    emf.add_metric("Connections", MetricUnit.Count, occupancy.connections)
    emf.add_metric("Rooms", MetricUnit.Count, occupancy.rooms)
    emf.add_metric("EventsReceived", MetricUnit.Count, metrics.events)
    emf.add_metric("MalformedMessages", MetricUnit.Count, metrics.malformed)
    emf.add_metric("Deliveries", MetricUnit.Count, metrics.deliveries)
    emf.add_metric("ClientsDropped", MetricUnit.Count, metrics.drops.total())
    emf.add_metric("ConnectionsRefused", MetricUnit.Count, metrics.refusals.total())
    # The one reason that needs an operator: an alarm watches it.
    emf.add_metric("ConnectionsRefusedFull", MetricUnit.Count, metrics.refusals["full"])
    emf.add_metric("GapsFilled", MetricUnit.Count, metrics.gaps_filled)
    emf.add_metric("LogReads", MetricUnit.Count, metrics.log_reads)
    if metrics.flushes:
        emf.add_metric("FlushSize", MetricUnit.Count, round(metrics.flushed_events / metrics.flushes, 2))
        emf.add_metric("LargestFlush", MetricUnit.Count, metrics.largest_flush)
    if metrics.events:
        emf.add_metric("EventLag", MetricUnit.Milliseconds, round(metrics.lag_seconds * 1_000, 1))
    # All reasons, but not as dimensions: each would be a metric of its own.
    for name, counted in (("dropped", metrics.drops), ("refused", metrics.refusals)):
        if counted:
            emf.add_metadata(name, dict(counted))
    metrics.reset()
    emf.flush_metrics()


async def report_regularly(
    metrics: RelayMetrics, occupancy: Callable[[], Occupancy], stack: str, seconds: float = 60.0
) -> None:
    """Report until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        report(metrics, occupancy(), stack)
