"""Time and ids that a test decides."""

from datetime import UTC, datetime, timedelta
from uuid import UUID


class ManualClock:
    """A Clock that moves only by `advance`."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class SequentialIds:
    """An IdGenerator that counts: the ids have the form of UUIDv7 and grow."""

    def __init__(self) -> None:
        self._count = 0

    def new_id(self) -> str:
        self._count += 1
        return str(UUID(int=(0x0190_0000_0000_7000_8000 << 48) + self._count))
