"""The HTTP and WebSocket server of a relay, in its container and in the local process."""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from backend.relay.transport.http_protocol import RelayHttpProtocol
from backend.relay.transport.websocket_protocol import RelayWebSocketProtocol

logger = logging.getLogger(__name__)

# Longer than a load balancer (60 s by default) and most client pools keep an idle connection: one that is closed just
# when it is used again looks like a failure.
_KEEP_ALIVE_SECONDS = 75


class RelayHttpServer(uvicorn.Server):
    """Stops on SIGTERM and SIGINT, and returns. uvicorn's own raises the signal again, before anything is closed.

    When it stops, it accepts no new connection and drains the clients one after the other: their WebSockets are closed
    with 1012 (service restart), and Socket.IO clients reconnect to another relay after a random pause. Requests in
    progress have some time to end.

    Attributes:
        has_failed: it stops because a part of the process failed.
        before_shutdown: drains the clients.
    """

    has_failed = False
    before_shutdown: Callable[[], Awaitable[None]] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, and log the address."""
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            logger.info(
                "The relay listens on %s", f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, drain the clients, and wait for requests in progress."""
        for server in self.servers:
            server.close()
        if self.before_shutdown is not None:
            await self.before_shutdown()
        await super().shutdown(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals while it serves."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread can handle signals
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


def build_server(app: Any, drain_seconds: float, max_packet_bytes: int) -> RelayHttpServer:
    """A server for the ASGI application; it listens on the sockets that `serve` is called with.

    Args:
        app: the application.
        drain_seconds: how long requests in progress may take after the clients were drained.
        max_packet_bytes: the largest WebSocket message.
    """
    config = uvicorn.Config(
        app,
        http=RelayHttpProtocol,
        ws=RelayWebSocketProtocol,
        ws_max_size=max_packet_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # Engine.IO has pings of its own
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return RelayHttpServer(config)
