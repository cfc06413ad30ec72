"""A server beside other work in one process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from shared.server_process import listen

_HOST = "127.0.0.1"
# A connection that is closed just when the client uses it again looks like a fault.
_KEEP_ALIVE_SECONDS = 600


class EmbeddedServer(uvicorn.Server):
    """Leaves signals to the process, and stops without waiting for answers that are being written."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002  given by uvicorn
        """Close everything, and wait until the application has noticed."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks))


@contextlib.asynccontextmanager
async def serve(
    app: ASGIApp, port: int = 0, http: type[asyncio.Protocol] | Literal["auto"] = "auto"
) -> AsyncIterator[str]:
    """Serve an application on loopback until the block ends. Yields its root URL.

    Args:
        app: the application.
        port: 0 for any free one.
        http: another implementation of HTTP than uvicorn's default.
    """
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    with listen(_HOST, port) as listener:
        server = EmbeddedServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{_HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
