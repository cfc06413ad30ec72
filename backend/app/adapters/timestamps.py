"""How stores write a moment."""

from datetime import UTC, datetime


def to_iso(moment: datetime) -> str:
    """A moment as text of one form, so that texts compare as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_iso(text: str) -> datetime:
    """The moment that a text stands for."""
    return datetime.fromisoformat(text)
