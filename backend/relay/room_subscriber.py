"""A client's subscription to one project, as the rooms see it."""

import asyncio

from backend.relay.clients import Client, ClientDisconnectedError, Clients
from backend.relay.transport.relay_socket_server import RelaySocketServer
from shared.events import Event, room_of

_CAPACITY_CHECK_SECONDS = 0.02


class RoomSubscriber:
    """A Subscriber over Socket.IO. It does nothing once the client has unsubscribed or lost its access."""

    def __init__(self, sid: str, client: Client, project_id: str, sio: RelaySocketServer, clients: Clients) -> None:
        self.sid = sid
        self._client = client
        self._project_id = project_id
        self._sio = sio
        self._clients = clients

    async def send(self, event: Event) -> None:
        """See Subscriber."""
        if event.project_id in self._client.projects:
            self._sio.manager.emit_event(self.sid, event)

    async def wait_for_capacity(self) -> None:
        """See Subscriber. Raises ClientDisconnectedError."""
        while (socket := self._sio.socket_of(self.sid)) is not None and not socket.closed:
            if socket.has_capacity:
                return
            await asyncio.sleep(_CAPACITY_CHECK_SECONDS)
        raise ClientDisconnectedError

    async def join_room(self) -> None:
        """See Subscriber."""
        if self._clients.get(self.sid) is not None and self._project_id in self._client.projects:
            await self._sio.enter_room(self.sid, room_of(self._project_id))
