"""Paces what the model writes: many small pieces in, at most eight messages a second out."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.events import AgentName

# The contract allows ten a second for a turn; the pieces that must go before a logged event come on top of these.
_INTERVAL_SECONDS = 0.125
# Even if each of its characters takes six bytes of JSON, a piece stays well below the limit of an event.
_PIECE_CHARACTERS = 16_000

Send = Callable[[AgentName, int, int, str], Awaitable[None]]


class TextStream:
    """Joins pieces of text, and sends them with their offset (in characters, from the start of the iteration)."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._source: tuple[AgentName, int] | None = None
        self._offset = 0
        self._pending = ""
        self._next_send = 0.0
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
        """Send what is pending, now."""
        if self._timer is not None and self._timer is not asyncio.current_task():
            self._timer.cancel()
            self._timer = None
        if not self._pending or self._source is None:
            return
        text, offset = self._pending, self._offset
        self._pending = ""
        self._offset += len(text)
        self._next_send = asyncio.get_running_loop().time() + _INTERVAL_SECONDS
        for start in range(0, len(text), _PIECE_CHARACTERS):
            piece = text[start : start + _PIECE_CHARACTERS]
            await self._send(*self._source, offset + start, piece)

    def close(self) -> None:
        """Forget what is pending. Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
        self._pending = ""

    async def _flush_when_due(self) -> None:
        await asyncio.sleep(max(0.0, self._next_send - asyncio.get_running_loop().time()))
        await self.flush()
