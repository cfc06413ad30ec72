"""People with tokens, and how they speak to a started server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
import socketio

from tests.identity.issuer import TokenIssuer
from tests.watcher import WAIT_SECONDS, Watcher

Json = dict[str, Any]

# A web origin that the started server lets in.
PAGE = "https://console.example"


class Listener(Watcher):
    """A Watcher that also records when it lost access, and how many events it had received by then."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, auth={"token": token})
        self.lost: list[Json] = []
        self.received_before_loss = 0
        self.client.on("access_lost", self._lose)

    async def wait_for_loss(self) -> None:
        await self.wait_until(lambda: bool(self.lost))

    async def wait_for_completion(self) -> None:
        """Wait until the server has closed the connection."""
        await self.wait_until(lambda: not self.client.connected)

    async def sync(self) -> None:
        """Make sure that all that was sent to this client has arrived: events of a socket keep their order."""
        assert (await self.call("unsubscribe", {"project_id": "another"}))["ok"] is True

    def _lose(self, lost: Json) -> None:
        self.lost.append(lost)
        self.received_before_loss = len(self.events)
        self._changed_now()


@dataclass(frozen=True)
class Server:
    """A started Vibewire and the issuer that it trusts."""

    url: str
    issuer: TokenIssuer

    @asynccontextmanager
    async def http(self, user: str) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {self.issuer.token(user)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=40) as client:
            yield client

    def listener(self, user: str, life: float = 3_600) -> Listener:
        return Listener(self.url, self.issuer.token(user, life=life))


class RawSocket:
    """A Socket.IO client over polling that can send invalid packets."""

    def __init__(self, server_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=server_url, timeout=WAIT_SECONDS, transport=transport)
        self._path = "/socket.io/?EIO=4&transport=polling"
        self.packets: list[str] = []

    async def __aenter__(self) -> Self:
        opened = await self._http.get(self._path)
        self._path += f"&sid={json.loads(opened.text[1:])['sid']}"
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._http.aclose()

    async def post(self, *packets: str) -> None:
        answer = await self._http.post(self._path, content="\x1e".join(packets))
        assert answer.status_code == 200, answer.text

    async def connect(self, auth: object) -> None:
        await self.post("40" if auth is None else f"40{json.dumps(auth)}")

    async def answer_to(self, start: str, seconds: float = WAIT_SECONDS) -> str:
        """Poll until a packet with this beginning comes: what follows the beginning."""
        async with asyncio.timeout(seconds):
            while not (found := [packet for packet in self.packets if packet.startswith(start)]):
                polled = await self._http.get(self._path)
                assert polled.status_code == 200, polled.text
                self.packets += polled.text.split("\x1e")
        return found[-1].removeprefix(start)


@asynccontextmanager
async def refused_client() -> AsyncIterator[socketio.AsyncClient]:
    """A client that is to be refused while it connects."""
    client = socketio.AsyncClient(reconnection=False)
    try:
        with pytest.raises(socketio.exceptions.ConnectionError):
            yield client
    finally:
        await client.shutdown()
        if client.eio.http is not None:
            await client.eio.http.close()  # python-engineio does not close it after a failed connection


async def socket_refusal(url: str, **connect: Any) -> Json:
    """The error of a refused connection."""
    errors: asyncio.Queue[Json] = asyncio.Queue()
    async with refused_client() as client:
        client.on("connect_error", errors.put)
        await client.connect(url, transports=["websocket"], **connect)
    async with asyncio.timeout(WAIT_SECONDS):
        return await errors.get()


async def shared_session(owner: httpx.AsyncClient, *members: str) -> tuple[str, str]:
    """A new project that is shared with the members, and its session: their ids."""
    project_id: str = (await owner.post("/projects", json={"name": "Customer support"})).json()["project_id"]
    await share(owner, project_id, *members)
    answer = await owner.post(f"/projects/{project_id}/sessions")
    assert answer.status_code == 201, answer.text
    return project_id, answer.json()["session_id"]


async def share(owner: httpx.AsyncClient, project_id: str, *members: str) -> None:
    answer = await owner.patch(f"/projects/{project_id}", json={"members": members})
    assert answer.status_code == 200, answer.text


async def talk(http: httpx.AsyncClient, session_id: str, prompt: str = "Create a billing agent") -> Json:
    """Send a prompt and wait for its answer."""
    answer = await http.post(f"/sessions/{session_id}/messages", json={"prompt": prompt})
    assert answer.status_code == 200, answer.text
    message: Json = answer.json()
    assert message["status"] == "completed", message
    return message
