"""The HTTP and WebSocket server of the local process."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from backend.relay.settings import RelaySettings
from backend.relay.websocket_protocol import RelayWebSocketProtocol

# Longer than the pools of most clients: a connection that is closed just when it is used again looks like a fault.
_KEEP_ALIVE_SECONDS = 75


class LocalServer(uvicorn.Server):
    """Stops on SIGINT and SIGTERM, and returns. uvicorn's own raises the signal again, and nothing would be closed."""

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


def build_server(app: ASGIApp) -> LocalServer:
    """A server for the application, which listens once it is given a socket."""
    config = uvicorn.Config(
        app,
        ws=RelayWebSocketProtocol,
        ws_max_size=RelaySettings().max_packet_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # Engine.IO has pings of its own
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return LocalServer(config)
