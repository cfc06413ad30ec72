"""The HTTP server of the rehearsal model: connections can be cut, and it stops at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.local.rehearsal.wire import TRANSPORT

HOST = "127.0.0.1"
_KEEP_ALIVE_SECONDS = 600  # a connection that is closed just when the client uses it again looks like a fault


class CuttableProtocol(HttpToolsProtocol):
    """Puts the connection into the state of each request, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the connection. It is called by the event loop."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class QuickServer(uvicorn.Server):
    """Stops at once, answers in the middle of a stall included."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything. It is called when the server is asked to stop.

        Args:
            sockets: The listening sockets.
        """
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks))


class EmbeddedServer(QuickServer):
    """Runs beside other work in one event loop: it leaves signals alone and waits without polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask the server to stop. `serve` then returns."""
        self._stopping.set()

    async def main_loop(self) -> None:
        """Wait until it is asked to stop."""
        await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever owns the process."""
        yield


def listen(port: int) -> socket.socket:
    """Open a port of this machine.

    Args:
        port: The port, 0 for a free one.

    Returns:
        The listening socket.

    Raises:
        OSError: the port is taken.
    """
    return socket.create_server((HOST, port), backlog=1024)


def base_url(listener: socket.socket) -> str:
    """Write the address that a client of the API is given.

    Args:
        listener: The listening socket.

    Returns:
        The base URL.
    """
    return f"http://{HOST}:{listener.getsockname()[1]}/v1"


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Choose how the server runs: quiet, because cut connections are no news here.

    Args:
        app: The application.

    Returns:
        The settings.
    """
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
