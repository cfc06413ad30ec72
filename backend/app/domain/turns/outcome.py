"""What a worker does with a turn notification once it was handled."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """The notification was handled: remove it from the queue."""


@dataclass(frozen=True, slots=True)
class Requeue:
    """The notification must be delivered again, in so many seconds."""

    seconds: float


Outcome = Done | Requeue
