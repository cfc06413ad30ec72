"""Which pages may connect to a server without identity: those of this machine, under its own names."""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.watcher import Watcher

SOCKET = "/socket.io/?EIO=4"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.2"])
async def test_a_foreign_page_cannot_connect(server_url: str, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await connect(server_url.replace("http", "ws") + f"{SOCKET}&transport=websocket", origin=Origin(origin))
    async with httpx.AsyncClient(base_url=server_url, headers={"Origin": origin}) as http:
        answer = await http.get(f"{SOCKET}&transport=polling")
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
async def test_a_name_that_was_rebound_to_this_machine_cannot_connect(server_url: str, host: str) -> None:
    port = httpx.URL(server_url).port
    with pytest.raises(InvalidStatus, match="421"):
        await connect(f"ws://{host}:{port}{SOCKET}&transport=websocket", host="127.0.0.1", port=port)
    async with httpx.AsyncClient(base_url=server_url, headers={"Host": f"{host}:{port}"}) as http:
        answer = await http.get(f"{SOCKET}&transport=polling")
    assert (answer.status_code, answer.json()["code"]) == (421, "foreign_host")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_page_of_this_machine_can_connect(
    server_url: str, project_id: str, transport: str, origin: str
) -> None:
    async with Watcher(server_url, transports=(transport,), headers={"Origin": origin}) as watcher:
        assert (await watcher.subscribe(project_id))["ok"] is True
