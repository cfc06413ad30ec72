"""Clients that send frames and requests by hand."""

import asyncio
import json

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.relay.live_relay import LiveRelay
from tests.relay.room_fixtures import WAIT_SECONDS

POLLING = "/socket.io/?EIO=4&transport=polling"


async def send_frames(live: LiveRelay, *frames: str | bytes) -> tuple[int | None, str]:
    """Send frames by WebSocket. Returns the code and the reason with which the relay closes it."""
    async with connect(live.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket") as socket:
        await socket.recv()
        await socket.send("40")
        await socket.recv()
        for frame in frames:
            await socket.send(frame)
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                while True:
                    await socket.recv()
            except ConnectionClosed as closed:
                return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


async def open_polling(http: httpx.AsyncClient) -> str:
    """Connect by polling. Returns the URL of the polls."""
    opened = json.loads((await http.get(POLLING)).text[1:])
    url = f"{POLLING}&sid={opened['sid']}"
    await http.post(url, content="40")
    await http.get(url)
    return url
