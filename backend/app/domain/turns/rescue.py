"""When somebody must look after an open message that no worker has."""

from datetime import datetime, timedelta

# A notification that reaches a worker at all reaches it within this time, where the worker pool has room.
_START_TIME = timedelta(seconds=20)
_LONGEST_PAUSE = timedelta(minutes=2)
# By then the pause is as long as it gets.
_MOST_DOUBLINGS = 10


def start_due_at(notified_at: datetime) -> datetime:
    """When a worker must have started a turn that it was notified of at that time."""
    return notified_at + _START_TIME


def next_rescue_at(now: datetime, rescues: int) -> datetime:
    """When a message that was rescued so many times, just now for the last time, may be rescued again."""
    return now + min(_START_TIME * (1 << min(rescues - 1, _MOST_DOUBLINGS)), _LONGEST_PAUSE)
