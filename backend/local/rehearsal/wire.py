"""Writing one HTTP answer, step by step, so that it can break anywhere."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType

from starlette.types import Receive, Scope, Send

from backend.local.rehearsal.reply import Json
from backend.local.rehearsal.response import new_id

TRANSPORT = "rehearsal_transport"  # where the server keeps the connection in the state of a request


class Wire:
    """One HTTP answer. An asynchronous context manager, entered once the request's body is read.

    Args:
        scope: The ASGI scope; its state may hold the connection.
        receive: Tells when the client goes away.
        send: Takes the answer.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._transport = scope.get("state", {}).get(TRANSPORT)

    async def __aenter__(self) -> Wire:
        self._gone = asyncio.create_task(self._until_gone())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.cancel()
        await asyncio.wait({self._gone})

    async def start(self, status: int, media_type: str, headers: dict[str, str] | None = None) -> None:
        """Send status and headers.

        Args:
            status: HTTP status.
            media_type: Content type.
            headers: More headers.
        """
        given = {"content-type": media_type, "x-request-id": new_id("req"), **(headers or {})}
        pairs = [(name.encode(), value.encode()) for name, value in given.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body.

        Args:
            data: The piece.
        """
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        """End the body properly."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def answer(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        """Send a whole JSON answer.

        Args:
            status: HTTP status.
            body: The JSON value.
            headers: More headers.
        """
        data = json.dumps(body, ensure_ascii=False).encode()
        await self.start(status, "application/json", {"content-length": str(len(data)), **(headers or {})})
        await self.write(data)
        await self.finish()

    async def pause(self, seconds: float) -> bool:
        """Wait between two pieces, and let others run.

        Args:
            seconds: How long.

        Returns:
            False when the client is gone.
        """
        if seconds > 0:
            await asyncio.wait({self._gone}, timeout=seconds)
        else:
            await asyncio.sleep(0)
        return not self._gone.done()

    async def stall(self) -> None:
        """Send nothing more until the client goes away or the server stops."""
        await asyncio.wait({self._gone})

    async def cut(self) -> None:
        """Break the connection off. Returning without an end to the body makes any other server do so too."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait({self._gone})

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
