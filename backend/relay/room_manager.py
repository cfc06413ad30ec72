"""Sends to a room without a task for each receiver."""

from typing import Any

import engineio
import socketio


class RoomManager(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio ships no types
    """The client manager of the relay. What it does not do better it leaves to python-socketio.

    The stock manager encodes once, but then makes a task for each receiver and waits for all of them; putting a packet
    into a receiver's queue does not wait, so there is nothing to gain from that.
    """

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: str | None = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        """See socketio.AsyncManager."""
        receivers = to or room
        if callback or skip_sid or not isinstance(data, dict):
            await super().emit(event, data, namespace, receivers, skip_sid, callback, **kwargs)
            return
        encoded = self.server.packet_class(socketio.packet.EVENT, namespace=namespace, data=[event, data]).encode()
        if isinstance(encoded, list):  # binary attachments
            await super().emit(event, data, namespace, receivers, **kwargs)
            return
        packet = engineio.packet.Packet(engineio.packet.MESSAGE, encoded)
        for _sid, eio_sid in list(self.get_participants(namespace, receivers)):
            await self.server.eio.send_packet(eio_sid, packet)
