"""Timestamps as the stores write them."""

from datetime import UTC, datetime


def to_iso(time: datetime) -> str:
    """A time in one ISO 8601 format, in UTC, so that the texts sort as the times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def from_iso(text: str) -> datetime:
    """The time of such a text."""
    return datetime.fromisoformat(text)
