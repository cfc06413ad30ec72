"""Batches the text that a model writes: many small pieces in, at most eight events per second out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from backend.app.domain.storable_text import storable_text
from shared.event_fields import AgentName

logger = logging.getLogger(__name__)

# The contract allows ten events per second and turn, which includes the text flushed before a logged event.
_INTERVAL_SECONDS = 0.125
# Even at six bytes of JSON per character, a piece stays well below the size limit of an event.
_PIECE_CHARACTERS = 16_000

Send = Callable[[AgentName, int, int, str], Awaitable[None]]


class TextStream:
    """Joins pieces of text, and sends them with their offset (in characters, from the start of the iteration).

    A piece may end within a surrogate pair: that half is held back until the other one arrives. Errors are logged and
    never fail the turn: live text is not stored.
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
        """Add a piece, which is sent soon. Flush all text of an iteration before adding another's."""
        if self._source != (agent, iteration):
            self._source = (agent, iteration)
            self._offset = 0
        self._pending += text
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_when_due())

    async def flush(self) -> None:
        """Send all pending text now; half of a surrogate pair is replaced."""
        timer, self._timer = self._timer, None
        if timer is not None and self._sending:
            await timer  # it is sending text that precedes the pending text
        elif timer is not None:
            timer.cancel()
        await self._send_up_to(len(self._pending))

    def close(self) -> None:
        """Drop pending text. Safe to repeat."""
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
            # The turn must not fail because of live text.
            logger.exception("Live text of a turn was not sent")
        finally:
            self._sending = False


def _ends_in_half(text: str) -> bool:
    return "\ud800" <= text[-1:] <= "\udbff"
