"""A client of a measured Vibewire: sends requests over HTTP and receives the events over Socket.IO."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import socketio

from tests.bench.conversation import PROJECT_NAME, request_of
from tests.server_process import ServerProcess

_WAIT_SECONDS = 60.0
# Less than the server's (uvicorn's 5 s): a connection that it closes just now must not be used again.
_KEEP_ALIVE_SECONDS = 2.0
# The last turn's worker is still putting its things away when its answer is here.
_SETTLE_SECONDS = 0.05


@dataclass
class Talk:
    """A conversation: the session, and how many requests it has had."""

    project_id: str
    session_id: str
    turns: int = 0


class VibewireClient:
    """One HTTP client and one Socket.IO client. Use it in an `async with` block."""

    def __init__(self, server: ServerProcess) -> None:
        self.url = server.url
        self.pid = server.pid
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("token_usage", self._on_usage)
        # When each message was sent, and when its first token usage was received.
        self._sent_at: dict[str, float] = {}
        self._usage_at: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(_WAIT_SECONDS)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS)
        self._http = aiohttp.ClientSession(self.url, timeout=timeout, connector=connector)
        await self._socket.connect(self.url, transports=["websocket"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.disconnect()
        await self._socket.shutdown()
        await self._http.close()

    async def open_project(self) -> str:
        """A new project without a subscriber."""
        created: str = (await self._post("/projects", {"name": PROJECT_NAME}))["project_id"]
        return created

    async def open_talk(self) -> Talk:
        """A new session of a new project, to which this client subscribes."""
        project_id = await self.open_project()
        await self.subscribe(project_id)
        return await self.open_session(project_id)

    async def open_session(self, project_id: str, node_id: str | None = None) -> Talk:
        """A new session of a project."""
        started = await self._post(f"/projects/{project_id}/sessions", {"node_id": node_id})
        return Talk(project_id, started["session_id"])

    async def subscribe(self, project_id: str) -> None:
        """Be sent a project's events from now on."""
        answer = await self._socket.call("subscribe", {"project_id": project_id}, timeout=_WAIT_SECONDS)
        if not answer["ok"]:
            raise RuntimeError(f"The subscription was refused: {answer}")

    async def unsubscribe(self, *talks: Talk) -> None:
        """Leave the rooms of these sessions' projects: one connection may subscribe to 200 projects at a time."""
        for talk in talks:
            await self._socket.call("unsubscribe", {"project_id": talk.project_id}, timeout=_WAIT_SECONDS)

    async def turn(self, talk: Talk) -> None:
        """One turn."""
        began = time.perf_counter()
        message = await self._post(f"/sessions/{talk.session_id}/messages", {"prompt": request_of(talk.turns)})
        if message["status"] != "completed" or message["patch"] is None:
            raise RuntimeError(f"The turn changed nothing: {message}")
        talk.turns += 1
        self._sent_at[message["message_id"]] = began

    async def turns(self, talk: Talk, count: int) -> None:
        """So many turns of a conversation, one after the other."""
        for _ in range(count):
            await self.turn(talk)

    def take_first_usages(self) -> list[float]:
        """For each turn since the last call, the milliseconds from its POST to its first token usage."""
        received, sent = self._usage_at, self._sent_at
        self._usage_at, self._sent_at = {}, {}
        return [(at - sent[message_id]) * 1000 for message_id, at in received.items() if message_id in sent]

    async def settle(self) -> None:
        """Wait until the server has nothing left to do for what was answered."""
        await asyncio.sleep(_SETTLE_SECONDS)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(path, json=body) as answer:
            parsed: dict[str, Any] = await answer.json()
            if answer.status >= 300 or answer.status == 202:
                raise RuntimeError(f"POST {path} answered {answer.status}: {parsed}")
            return parsed

    async def _on_usage(self, event: dict[str, Any]) -> None:
        self._usage_at.setdefault(event["message_id"], time.perf_counter())
