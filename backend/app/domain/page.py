"""One page of a list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `cursors` has one cursor per item; it gets the page that follows that item."""

    items: tuple[T, ...]
    cursors: tuple[str, ...] = ()
    has_more: bool = False

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page; None on the last one."""
        return self.next_cursor_after(len(self.items))

    def next_cursor_after(self, count: int) -> str | None:
        """The cursor of the next page if this one is cut after `count` of its items."""
        if count == 0 or (count == len(self.items) and not self.has_more):
            return None
        return self.cursors[count - 1]
