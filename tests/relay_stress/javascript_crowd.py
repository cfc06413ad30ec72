"""Clients of the official socket.io-client in a Node process of their own: javascript_client.js."""

import asyncio
import json
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest

from tests.relay_stress.crowd import WAIT_SECONDS, WEBSOCKET, Ack, Crowd, Report

_SCRIPT = Path(__file__).with_name("javascript_client.js")
_CLIENT = Path(__file__).parents[1] / "node" / "node_modules" / "socket.io-client"
# The report of clients that keep all events is one line.
_LONGEST_LINE = 2**24


def require_node() -> str:
    """The path of Node; skips the test if it, or the client, is not installed."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js (https://nodejs.org, 20.19 or newer) is not installed: it runs the official client")
    if not _CLIENT.is_dir():
        pytest.skip("socket.io-client is not installed: `make relay-peers-if-node` (npm ci in tests/node)")
    return node


class JavascriptCrowd(Crowd):
    """Clients of the official socket.io-client.

    Args:
        url: where the relay listens.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._process: Process
        self._reading: asyncio.Task[None]
        self._calls = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            require_node(), str(_SCRIPT), stdin=PIPE, stdout=PIPE, limit=_LONGEST_LINE
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._process.wait()
                await self._reading
        finally:
            if self._process.returncode is None:
                self._process.kill()

    async def open(
        self,
        name: str,
        transports: tuple[str, ...] = WEBSOCKET,
        project: str | None = None,
        after: dict[str, int] | None = None,
        *,
        keep: bool = False,
        **options: Any,
    ) -> None:
        """See Crowd."""
        client = {"id": name, "url": self._url, "project": project, "after": after, "transports": transports}
        await self._order("open", client | {"keep": keep, "options": options})

    async def cut(self, name: str) -> None:
        """See Crowd."""
        await self._order("cut", {"id": name})

    async def close(self, name: str) -> None:
        """See Crowd."""
        await self._order("close", {"id": name})

    async def call(self, name: str, event: str, payload: Any) -> Ack:
        """See Crowd."""
        answer: Ack = await self._ask("call", {"id": name, "name": event, "payload": payload})
        return answer

    async def report(self) -> dict[str, Report]:
        """See Crowd."""
        answer = await self._ask("report", {})
        return {name: Report(**report) for name, report in answer.items()}

    async def kill(self) -> None:
        """kill -9: no client disconnects properly."""
        self._process.kill()
        await self._process.wait()
        await self._reading

    def freeze(self) -> None:
        """Stop the process with SIGSTOP: its connections stay open, and no client reads or answers."""
        self._process.send_signal(signal.SIGSTOP)

    async def _ask(self, what: str, order: dict[str, Any]) -> Any:
        call = next(self._calls)
        answered = self._waiting[call] = asyncio.get_running_loop().create_future()
        await self._order(what, order | {"call": call})
        async with asyncio.timeout(WAIT_SECONDS):
            return await answered

    async def _order(self, what: str, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what} | order).encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self._take(json.loads(line))
            self._changed.set()
        self.received = {}
        self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        if "call" in message:
            self._waiting.pop(message["call"]).set_result(message["answer"])
        elif "joined" in message:
            self.joined[message["id"]].append(message["joined"])
        elif "ended" in message:
            self.ended[message["id"]].append(message["ended"])
            self.received.pop(message["id"], None)
        else:
            self.received = message["received"]
