"""A server as a process of its own."""

import asyncio
import signal

from starlette.types import ASGIApp

from backend.local.embedded_server import serve
from tests.model_server.connection import CuttableProtocol


async def serve_until_stopped(app: ASGIApp, port: int = 0) -> None:
    """Serve on loopback, and print where, until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with serve(app, port, CuttableProtocol) as url:
        print(f"Model server: {url}/v1", flush=True)
        await stopping.wait()
