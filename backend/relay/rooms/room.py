"""One project's subscribers, and the queue of events for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from backend.relay.rooms.room_cursor import RoomCursor
from shared.bus_messages import BusMessage

logger = logging.getLogger(__name__)

# Events that may wait for one room; any more are dropped and backfilled from the log.
_MAX_WAITING_EVENTS = 5_000


class Room:
    """One project's subscribers. Events are handled in the order in which they arrive.

    Most are handled immediately. One that must wait, for the log or for a subscription, is left to a task, and so are
    those that arrive after it.
    """

    def __init__(self, cursor: RoomCursor, check_access: Callable[[], Awaitable[None]]) -> None:
        self.cursor = cursor
        self._check_access = check_access
        self.subscribers: set[str] = set()
        self.last_event = 0.0
        self._waiting: asyncio.Queue[BusMessage] = asyncio.Queue(_MAX_WAITING_EVENTS)
        self._is_busy = False
        self._task = asyncio.create_task(self._handle_waiting())

    def offer(self, event: BusMessage) -> None:
        """Handle an event of the bus. Never waits; when the queue is full it is dropped, and backfilled later."""
        self.last_event = monotonic()
        if event.type != "access_changed" and not self._is_busy and self._waiting.empty():
            try:
                if self.cursor.try_handle_now(event):
                    return
            except Exception:
                # As below: the room must go on.
                logger.exception("An event of project %s was not emitted", event.project_id)
                return
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)

    async def close(self) -> None:
        """Stop. Safe to repeat."""
        self._task.cancel()
        if asyncio.current_task() is not self._task:
            await asyncio.wait({self._task})

    async def _handle_waiting(self) -> None:
        while True:
            event = await self._waiting.get()
            self._is_busy = True
            try:
                if event.type == "access_changed":
                    # In its order: earlier events are still sent to those who had access then.
                    await self._check_access()
                else:
                    await self.cursor.handle(event)
            except Exception:
                # The log is not readable, or there is a bug: the next comparison with the log backfills.
                logger.exception("An event of project %s was not emitted", event.project_id)
            finally:
                self._is_busy = False
