"""How rooms keep encoded events without knowing the wire format: the port."""

from typing import Protocol

from shared.events import Event, LoggedEvent


class Encoder(Protocol):
    """Encodes events as they are sent to clients."""

    def encode(self, event: Event) -> bytes:
        """The event as it is sent."""
        ...

    def decode(self, encoded: bytes) -> LoggedEvent:
        """The logged event in what `encode` returned."""
        ...
