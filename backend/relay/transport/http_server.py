"""The HTTP and WebSocket server under a relay: that of its container, and that of the local process."""

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

# Longer than a load balancer keeps an idle connection (60 s by default) and than the pools of most clients do: a
# connection that is closed just when it is used again looks like a fault.
_KEEP_ALIVE_SECONDS = 75


class RelayHttpServer(uvicorn.Server):
    """Stops on SIGTERM and SIGINT, and returns. uvicorn's own raises the signal again, and nothing would be closed.

    Stopping: no new connection is accepted; clients are sent away one after the other (WebSockets closed with 1012,
    service restart), upon which Socket.IO clients connect again after a random pause, to another relay; requests under
    way may end for a while.

    Attributes:
        has_failed: it stops because a part of the process died.
        before_shutdown: sends the clients away.
    """

    has_failed = False
    before_shutdown: Callable[[], Awaitable[None]] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, and say where."""
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            logger.info(
                "The relay listens on %s", f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, take leave of the clients, and wait for what is under way."""
        for server in self.servers:
            server.close()
        if self.before_shutdown is not None:
            await self.before_shutdown()
        await super().shutdown(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear the signals while it serves."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread hears signals
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
    """A server for the ASGI application, which listens once it is given a socket.

    Args:
        app: the application.
        drain_seconds: how long requests under way may take once it stops and the clients were sent away.
        max_packet_bytes: the largest message that a WebSocket takes.
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
