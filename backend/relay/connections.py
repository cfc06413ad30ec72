"""Who is connected to the relay: identity, limits, and the end of a connection with its token."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from backend.relay.client import Client
from backend.relay.metrics import RelayMetrics
from backend.relay.settings import RelaySettings
from backend.relay.transport.relay_socket_server import RelaySocketServer, connection_refused
from shared.identity import Authenticator, Identity, InvalidTokenError, KeysUnavailableError


class Connections:
    """The clients of a relay by their Socket.IO ids."""

    def __init__(
        self, sio: RelaySocketServer, authenticator: Authenticator, settings: RelaySettings, metrics: RelayMetrics
    ) -> None:
        self._sio = sio
        self._authenticator = authenticator
        self._settings = settings
        self._metrics = metrics
        self._clients: dict[str, Client] = {}
        self._users: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._clients)

    def get(self, sid: str) -> Client | None:
        """A client that is connected."""
        return self._clients.get(sid)

    async def connect(self, sid: str, environ: object, auth: object = None) -> None:
        """Take a client in. Raises ConnectionRefusedError, whose `code` the client hears."""
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
            # It hung up while it was being identified: nobody hears this, and nobody will ever tell of its end.
            raise connection_refused("disconnected")
        if self._users[identity.user_id] >= self._settings.max_user_connections:
            detail = f"At most {self._settings.max_user_connections} connections of one user."
            raise self._connect_error("too_many_connections", detail)
        self._clients[sid] = Client(identity, expiry=self._watch_expiry(sid, identity))
        self._users[identity.user_id] += 1

    def remove(self, sid: str) -> Client | None:
        """A client is gone. Returns what is left of it; None where it was not taken in. Safe to repeat."""
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
        if left <= 0:  # within the leeway of the clocks, but a socket that ends at once is of no use
            raise self._connect_error("invalid_token", "The token has expired.")
        return asyncio.create_task(self._disconnect_after(sid, left))

    async def _disconnect_after(self, sid: str, seconds: float) -> None:
        """A socket dies with its token."""
        await asyncio.sleep(seconds)
        self._clients[sid].expiry = None  # its end is at hand, and must not cancel this task
        await self._sio.disconnect(sid)

    def _connect_error(self, code: str, detail: str) -> Exception:
        self._metrics.refusals[code] += 1
        return connection_refused(detail, code)
