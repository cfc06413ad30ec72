"""Checks of Engine.IO and Socket.IO packets from clients, before they are handled."""

import base64
import binascii
from typing import Any

import socketio

# Close, pong, the probe of an upgrade and its end; messages are checked separately.
_ENGINE_PACKETS = frozenset(("1", "3", "2probe", "5"))
_MESSAGE_TYPES = "0123456"
_MOST_ATTACHMENTS = 10


class InvalidPacketError(ValueError):
    """A client sent a packet that the protocol does not allow."""


def check_engine_packet(data: str | bytes) -> None:
    """Raises InvalidPacketError if a client may not send this Engine.IO packet."""
    if isinstance(data, bytes):
        return  # an attachment; Socket.IO knows whether one is expected
    if data.startswith("4"):
        if len(data) < 2 or data[1] not in _MESSAGE_TYPES:
            raise InvalidPacketError("a message that is no packet of Socket.IO")
    elif data.startswith("b"):
        try:
            base64.b64decode(data[1:], validate=True)
        except (binascii.Error, ValueError):
            raise InvalidPacketError("an attachment that is not base64") from None
    elif data not in _ENGINE_PACKETS:
        raise InvalidPacketError("no packet of Engine.IO")


class RelayPacket(socketio.packet.Packet):  # type: ignore[misc]  # python-socketio ships no types
    """A Socket.IO packet that raises InvalidPacketError, and no other error, if it is invalid."""

    def decode(self, encoded_packet: str) -> int:
        """See socketio.packet.Packet."""
        try:
            attachments = super().decode(encoded_packet) or 0
        except (ValueError, IndexError, TypeError, RecursionError):
            raise InvalidPacketError("a packet that cannot be decoded") from None
        self._check(attachments)
        return attachments

    def add_attachment(self, attachment: Any) -> bool:
        """See socketio.packet.Packet."""
        if not isinstance(attachment, bytes):
            raise InvalidPacketError("text in place of an attachment")
        try:
            return bool(super().add_attachment(attachment))
        except (ValueError, IndexError, TypeError, RecursionError):
            raise InvalidPacketError("attachments that do not fit their packet") from None

    def _check(self, attachments: int) -> None:
        kinds = socketio.packet
        if self.packet_type in (kinds.EVENT, kinds.BINARY_EVENT):
            if not isinstance(self.data, list) or not self.data or not isinstance(self.data[0], str):
                raise InvalidPacketError("an event without a name")
        elif self.packet_type in (kinds.ACK, kinds.BINARY_ACK):
            if not isinstance(self.data, list) or self.id is None:
                raise InvalidPacketError("an acknowledgement without an id")
        elif self.packet_type not in (kinds.CONNECT, kinds.DISCONNECT):
            raise InvalidPacketError("a packet that only servers send")
        is_binary = self.packet_type in (kinds.BINARY_EVENT, kinds.BINARY_ACK)
        if is_binary and not 1 <= attachments <= _MOST_ATTACHMENTS:
            raise InvalidPacketError("an invalid number of attachments")
        if is_binary and self.namespace not in (None, "/"):
            raise InvalidPacketError("attachments for an unknown namespace")
