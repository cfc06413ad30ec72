"""The Agents SDK's view of a conversation during one turn: what is new is buffered."""

from agents import TResponseInputItem
from agents.memory import SessionSettings

from backend.app.domain.messages.message import Item
from backend.app.memory.history_items import documented_items


class TurnSession:
    """Implements the SDK's Session protocol over a buffer.

    The history stays outside: the runner would copy and check all of it several times in each run, so the recording
    model puts it before what is sent. Whatever the runner adds stays in the buffer: nothing reaches the memory before
    the turn is completed, so a turn that dies leaves nothing there.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.session_settings: SessionSettings | None = None
        self._new: list[TResponseInputItem] = []

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """What the turn has added so far, oldest first; with a limit, its newest items."""
        items = list(self._new)
        return items if limit is None else items[len(items) - min(limit, len(items)) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Buffer new items."""
        self._new.extend(items)

    async def pop_item(self) -> TResponseInputItem | None:
        """Take the newest item back; None where this turn has added none."""
        return self._new.pop() if self._new else None

    async def clear_session(self) -> None:
        """Forget what this turn has added."""
        self._new.clear()

    def new_items(self) -> tuple[Item, ...]:
        """What this turn has added, fit to be kept for good."""
        return documented_items(self._new)
