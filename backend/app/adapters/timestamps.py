"""How stores write a moment."""

from datetime import UTC, datetime


def text_of(moment: datetime) -> str:
    """A moment as text of one form, so that texts compare as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The moment that a text stands for."""
    return datetime.fromisoformat(text)
