"""What all sockets of a relay share: limits, metrics and the fast path."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.relay.metrics import RelayMetrics
from backend.relay.settings import RelaySettings
from backend.relay.transport.outbound_budget import OutboundBudget
from backend.relay.transport.websocket_protocol import RelayWebSocketProtocol

if TYPE_CHECKING:
    from backend.relay.transport.relay_socket import RelaySocket


@dataclass
class SocketRules:
    """What all sockets of a relay share.

    Attributes:
        settings: the limits.
        metrics: counts drops.
        may_write_directly: whether frames of an upgraded socket may bypass python-engineio's queue and writer.
        flush: writes all pending events.
        on_change: called before a socket starts direct writes, and after it ended them.
        log_drop: logs the reason when a socket is dropped.
        budget: limits what is pending for all sockets together.
        tasks: the closing of connections in progress; referenced here, or they would be garbage-collected.
    """

    settings: RelaySettings
    metrics: RelayMetrics
    may_write_directly: Callable[[RelayWebSocketProtocol | None], bool]
    flush: Callable[[], None]
    on_change: Callable[["RelaySocket"], None]
    log_drop: Callable[[str], None]
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    budget: OutboundBudget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = OutboundBudget(self.settings.max_waiting_bytes)
