"""An event as the text of a Socket.IO packet, made once however many clients it goes to."""

from collections import OrderedDict
from dataclasses import dataclass

from backend.relay.websocket_wire import frame_of
from shared.events import Event, LoggedEvent

# Events are encoded again where they were forgotten; these are what a room is told, and what newcomers are replayed.
_MEMORY_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event on the wire.

    Attributes:
        text: the Socket.IO packet, without acknowledgement and in the default namespace.
        frame: the same as a WebSocket frame of Engine.IO.
    """

    text: str
    frame: bytes


def encode(event: Event) -> EncodedEvent:
    """The event on the wire."""
    text = f'2["{event.type}",{event.model_dump_json()}]'
    return EncodedEvent(text, frame_of(f"4{text}"))


class EventEncoder:
    """Encodes events, and remembers the recent ones that have a number: those are sent again to whoever returns."""

    def __init__(self, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._bytes = 0
        self._known: OrderedDict[str, EncodedEvent] = OrderedDict()

    def encode(self, event: Event) -> EncodedEvent:
        """The event on the wire."""
        if not isinstance(event, LoggedEvent):
            return encode(event)
        known = self._known.get(event.event_id)
        if known is None:
            known = self._known[event.event_id] = encode(event)
            self._bytes += len(known.frame)
            while self._bytes > self._memory_bytes:
                self._bytes -= len(self._known.popitem(last=False)[1].frame)
        return known

    def measure(self, event: LoggedEvent) -> int:
        """How large the event is, in bytes."""
        return len(self.encode(event).frame)
