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

# An end that nobody told of in this process (another process on the same file reached it) is seen this soon.
_LOOK_AGAIN_SECONDS = 1.0


class LocalEventBus:
    """The EventBus of the local engine. Listeners are called at once, in order; they must not wait or raise."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have the listener called with every event from now on. Returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def publish(self, event: BusMessage) -> None:
        """See EventBus."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                # One listener's bug is neither the publisher's nor the other listeners' concern.
                logger.exception("A listener of the bus failed")


class LocalCompletionWaiter:
    """The CompletionWaiter of the local engine: hears the ends of messages on the bus."""

    def __init__(self, bus: LocalEventBus) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        bus.listen(self._hear)

    async def wait_for_completion(self, message: Message, timeout: float) -> None:
        """See CompletionWaiter."""
        message_id, ended = message.message_id, asyncio.Event()
        self._waiting[message_id].add(ended)
        try:
            async with asyncio.timeout(min(timeout, _LOOK_AGAIN_SECONDS)):
                await ended.wait()
        except TimeoutError:
            pass  # a hint is all that is owed
        finally:
            self._waiting[message_id].discard(ended)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    def _hear(self, event: BusMessage) -> None:
        if isinstance(event, EndingEvent):
            for ended in self._waiting.get(event.message_id, ()):
                ended.set()
