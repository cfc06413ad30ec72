"""The event bus within one process."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable

from backend.app.domain.messages.message import Message
from shared.bus_messages import BusMessage
from shared.events import EndingEvent

logger = logging.getLogger(__name__)

Listener = Callable[[BusMessage], None]

# Ends that another process on the same file reached are not published here: callers poll for them this often.
_POLL_SECONDS = 1.0


class LocalEventBus:
    """The EventBus of the local engine. It calls listeners synchronously, in order; they must not wait or raise."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with every event from now on. Returns a function that removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def publish(self, event: BusMessage) -> None:
        """See EventBus."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                # A listener's bug must affect neither the publisher nor the other listeners.
                logger.exception("A listener of the bus failed")


class LocalCompletionWaiter:
    """The CompletionWaiter of the local engine: listens to the bus for the ends of messages."""

    def __init__(self, bus: LocalEventBus) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        bus.listen(self._handle)

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        """See CompletionWaiter."""
        message_id, ended = message.message_id, asyncio.Event()
        self._waiting[message_id].add(ended)
        try:
            async with asyncio.timeout(min(timeout, _POLL_SECONDS)):
                await ended.wait()
        except TimeoutError:
            pass  # the port promises only a hint
        finally:
            self._waiting[message_id].discard(ended)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    def _handle(self, event: BusMessage) -> None:
        if isinstance(event, EndingEvent):
            for ended in self._waiting.get(event.message_id, ()):
                ended.set()
