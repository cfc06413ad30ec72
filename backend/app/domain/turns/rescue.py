"""When an open message that no worker holds must be enqueued again."""

from datetime import datetime, timedelta

# A notification that is not lost reaches a worker within this time, unless all workers are busy.
_START_TIMEOUT = timedelta(seconds=20)
_LONGEST_PAUSE = timedelta(minutes=2)
# More doublings would exceed the longest pause.
_MOST_DOUBLINGS = 10


def start_due_at(notified_at: datetime) -> datetime:
    """When a worker must have started a turn that was enqueued at that time."""
    return notified_at + _START_TIMEOUT


def next_rescue_at(now: datetime, rescues: int) -> datetime:
    """When a message that was rescued so many times, last at `now`, may be rescued again."""
    return now + min(_START_TIMEOUT * (1 << min(rescues - 1, _MOST_DOUBLINGS)), _LONGEST_PAUSE)
