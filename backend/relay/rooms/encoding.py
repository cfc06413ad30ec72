"""An event as a Socket.IO packet, made once however many clients it goes to."""

from typing import NamedTuple

from shared.events import Event, LoggedEvent, logged_event_adapter


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
        return frame_text(self.frame)[1:]


def encode(event: Event) -> EncodedEvent:
    """The event on the wire."""
    # As model_dump_json does, but for its detour by way of text.
    body = event.__pydantic_serializer__.to_json(event)
    return EncodedEvent(text_frame(b'42["%b",%b]' % (event.type.encode(), body)))


def decode(encoded: EncodedEvent) -> LoggedEvent:
    """The event again, one that has a number."""
    text = encoded.text
    return logged_event_adapter.validate_json(text[text.index(",") + 1 : -1])


def text_frame(data: bytes) -> bytes:
    """A WebSocket frame of UTF-8: what Frame.serialize would make (test_fast_path compares), in a fifth of its time."""
    size = len(data)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + data
    return (b"\x81\x7e" + size.to_bytes(2) if size < 65_536 else b"\x81\x7f" + size.to_bytes(8)) + data


def frame_text(frame: bytes) -> str:
    """The text of a frame that text_frame made."""
    begin = {126: 4, 127: 10}.get(frame[1], 2)
    return frame[begin:].decode()
