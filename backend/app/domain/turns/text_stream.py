"""Paces what the model writes: many small pieces in, at most eight messages a second out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from backend.app.domain.storable_text import storable_text
from shared.event_fields import AgentName

logger = logging.getLogger(__name__)

# The contract allows ten a second for a turn; the pieces that must go before a logged event come on top of these.
_INTERVAL_SECONDS = 0.125
# Even if each of its characters takes six bytes of JSON, a piece stays well below the limit of an event.
_PIECE_CHARACTERS = 16_000

Send = Callable[[AgentName, int, int, str], Awaitable[None]]


class TextStream:
    """Joins pieces of text, and sends them with their offset (in characters, from the start of the iteration).

    A piece may end within a surrogate pair: its half is held back until the other one comes. Nothing here fails a turn:
    what is sent is worth something to those who are looking right now, and lost without harm.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._source: tuple[AgentName, int] | None = None
        self._offset = 0
        self._pending = ""
        self._next_send = 0.0
        self._sending = False
        self._timer: asyncio.Task[None] | None = None

    def add(self, agent: AgentName, iteration: int, text: str) -> None:
        """Take a piece; it is sent soon. All of one iteration's text must be flushed before another's is added."""
        if self._source != (agent, iteration):
            self._source = (agent, iteration)
            self._offset = 0
        self._pending += text
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_when_due())

    async def flush(self) -> None:
        """Send what is pending, now; what is half a character is none."""
        timer, self._timer = self._timer, None
        if timer is not None and self._sending:
            await timer  # what it sends stands before what is still pending
        elif timer is not None:
            timer.cancel()
        await self._send_up_to(len(self._pending))

    def close(self) -> None:
        """Forget what is pending. Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
        self._pending = ""

    async def _flush_when_due(self) -> None:
        await asyncio.sleep(max(0.0, self._next_send - asyncio.get_running_loop().time()))
        await self._send_up_to(len(self._pending) - _ends_in_half(self._pending))

    async def _send_up_to(self, end: int) -> None:
        if end == 0 or self._source is None:
            return
        text, offset = storable_text(self._pending[:end]), self._offset
        self._pending = self._pending[end:]
        self._offset += len(text)
        self._next_send = asyncio.get_running_loop().time() + _INTERVAL_SECONDS
        self._sending = True
        try:
            for start in range(0, len(text), _PIECE_CHARACTERS):
                await self._send(*self._source, offset + start, text[start : start + _PIECE_CHARACTERS])
        except Exception:
            # The turn and what is stored of it must not depend on what only onlookers miss.
            logger.exception("Live text of a turn was not sent")
        finally:
            self._sending = False


def _ends_in_half(text: str) -> bool:
    return "\ud800" <= text[-1:] <= "\udbff"
