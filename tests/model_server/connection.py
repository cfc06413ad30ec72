"""Writing one HTTP answer, step by step, so that it can break anywhere."""

import asyncio
import json
from types import TracebackType
from typing import Self

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.local.demo_model.response import Json, new_id

_TRANSPORT = "model_server_transport"  # where the state of a request has the connection


class CuttableProtocol(HttpToolsProtocol):
    """Puts the connection into the state of each request, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class Connection:
    """One HTTP answer. An asynchronous context manager, entered once the request's body is read."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._transport = scope.get("state", {}).get(_TRANSPORT)

    async def __aenter__(self) -> Self:
        self._closed = asyncio.create_task(self._until_closed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.cancel()
        await asyncio.wait({self._closed})

    async def start(self, status: int, media_type: str, headers: dict[str, str] | None = None) -> None:
        """Send status and headers."""
        given = {"content-type": media_type, "x-request-id": new_id("req"), **(headers or {})}
        pairs = [(name.encode(), value.encode()) for name, value in given.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        """End the body properly."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def answer(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        """Send a complete JSON answer."""
        data = json.dumps(body, ensure_ascii=False).encode()
        await self.start(status, "application/json", {"content-length": str(len(data)), **(headers or {})})
        await self.write(data)
        await self.finish()

    async def pause(self, seconds: float) -> bool:
        """Wait between two pieces, and let others run. Returns False when the client has closed."""
        if seconds > 0:
            await asyncio.wait({self._closed}, timeout=seconds)
        else:
            await asyncio.sleep(0)
        return not self._closed.done()

    async def stall(self) -> None:
        """Send nothing more until the client closes or the server stops."""
        await asyncio.wait({self._closed})

    async def cut(self) -> None:
        """Break the connection off. Returning without an end to the body makes any other server do so too."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait({self._closed})

    async def _until_closed(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
