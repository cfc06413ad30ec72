"""A page of a list, as every store returns it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `cursors` has one for each item: it asks for what follows that item."""

    items: tuple[T, ...]
    cursors: tuple[str, ...] = ()
    has_more: bool = False

    @property
    def next_cursor(self) -> str | None:
        """Asks for what follows this page; None where nothing does."""
        return self.next_cursor_after(len(self.items))

    def next_cursor_after(self, count: int) -> str | None:
        """The same for a page that is cut after `count` of its items."""
        if count == 0 or (count == len(self.items) and not self.has_more):
            return None
        return self.cursors[count - 1]
