"""The clock of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """The Clock of production."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        return datetime.now(UTC)
