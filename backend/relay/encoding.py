"""An event as a Socket.IO packet, made once however many clients it goes to."""

from typing import NamedTuple

from backend.relay.websocket_wire import frame_of, text_of
from shared.events import Event


class EncodedEvent(NamedTuple):
    """An event on the wire.

    Attributes:
        frame: the WebSocket frame of an Engine.IO message, which is the event as a packet of Socket.IO: without
            acknowledgement, in the default namespace.
    """

    frame: bytes

    @property
    def text(self) -> str:
        """The packet of Socket.IO alone, for transports that are no WebSocket."""
        return text_of(self.frame)[1:]


def encode(event: Event) -> EncodedEvent:
    """The event on the wire."""
    return EncodedEvent(frame_of(f'42["{event.type}",{event.model_dump_json()}]'))
