"""The connected clients of a relay: their identity, their limits, and the end of a connection with its token."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from backend.relay.metrics import RelayMetrics
from backend.relay.transport.relay_socket_server import RelaySocketServer, connection_refused
from shared.identity import Authenticator, Identity, InvalidTokenError, KeysUnavailableError


class ClientDisconnectedError(Exception):
    """The client disconnected during its request."""


@dataclass
class Client:
    """A connected client.

    Attributes:
        identity: the user that it authenticated as.
        projects: those that it is subscribed to, or whose subscription is in progress.
        lock: serializes its requests: events of two concurrent replays would mix.
        waiting: its requests without an answer yet.
        expiry: disconnects it when its token expires.
    """

    identity: Identity
    projects: set[str] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    expiry: asyncio.Task[None] | None = None


class Clients:
    """The connected clients by their Socket.IO ids."""

    def __init__(
        self, sio: RelaySocketServer, authenticator: Authenticator, max_per_user: int, metrics: RelayMetrics
    ) -> None:
        self._sio = sio
        self._authenticator = authenticator
        self._max_per_user = max_per_user
        self._metrics = metrics
        self._clients: dict[str, Client] = {}
        self._users: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._clients)

    def get(self, sid: str) -> Client | None:
        """The client, if it is connected."""
        return self._clients.get(sid)

    async def connect(self, sid: str, environ: object, auth: object = None) -> None:
        """Handle `connect`. Raises ConnectionRefusedError, whose `code` is sent to the client."""
        if environ is not self._sio.get_environ(sid):
            return  # python-socketio also calls this for an event that a client named "connect"
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            identity = await self._authenticator.authenticate(token if isinstance(token, str) else None)
        except InvalidTokenError as error:
            raise self._connect_error("invalid_token", str(error)) from error
        except KeysUnavailableError as error:
            raise self._connect_error("keys_unavailable", str(error)) from error
        if self._sio.get_environ(sid) is None:
            # It disconnected during authentication; `disconnect` was handled before and is not called again.
            raise connection_refused("disconnected")
        if self._users[identity.user_id] >= self._max_per_user:
            raise self._connect_error("too_many_connections", f"At most {self._max_per_user} connections of one user.")
        self._clients[sid] = Client(identity, expiry=self._watch_expiry(sid, identity))
        self._users[identity.user_id] += 1

    def remove(self, sid: str) -> Client | None:
        """Remove a disconnected client. Returns it; None if it was not connected. Safe to repeat."""
        client = self._clients.pop(sid, None)
        if client is None:
            return None
        user_id = client.identity.user_id
        self._users[user_id] -= 1
        if not self._users[user_id]:
            del self._users[user_id]
        if client.expiry is not None:
            client.expiry.cancel()
        return client

    def _watch_expiry(self, sid: str, identity: Identity) -> "asyncio.Task[None] | None":
        if identity.expires_at is None:
            return None
        left = (identity.expires_at - datetime.now(UTC)).total_seconds()
        if left <= 0:  # within the clocks' leeway, but the connection would end immediately
            raise self._connect_error("invalid_token", "The token has expired.")
        return asyncio.create_task(self._disconnect_after(sid, left))

    async def _disconnect_after(self, sid: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._clients[sid].expiry = None  # remove(), which follows, must not cancel this task
        await self._sio.disconnect(sid)

    def _connect_error(self, code: str, detail: str) -> Exception:
        self._metrics.refusals[code] += 1
        return connection_refused(detail, code)
