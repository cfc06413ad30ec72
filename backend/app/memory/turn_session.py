"""The Agents SDK's session during one turn: a buffer of new items."""

from agents import TResponseInputItem
from agents.memory import SessionSettings

from backend.app.domain.messages.message import Item
from backend.app.memory.history_items import documented_items


class TurnSession:
    """Implements the SDK's Session protocol over a buffer.

    It does not hold the history, which the runner would copy and check several times in each run: the recording model
    prepends it to each request. New items stay in the buffer until the turn is completed, so a turn that dies leaves
    nothing in the memory.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.session_settings: SessionSettings | None = None
        self._new: list[TResponseInputItem] = []

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items of this turn, oldest first; with a limit, the newest of them."""
        items = list(self._new)
        return items if limit is None else items[len(items) - min(limit, len(items)) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Buffer new items."""
        self._new.extend(items)

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove and return the newest item; None where this turn has none."""
        return self._new.pop() if self._new else None

    async def clear_session(self) -> None:
        """Remove all items of this turn."""
        self._new.clear()

    def new_items(self) -> tuple[Item, ...]:
        """The items of this turn, reduced to what can be stored."""
        return documented_items(self._new)
