"""Refuses request bodies that are too large before they are read."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.app.api.errors import problem

_LENGTH_DIGITS = 12


class BodyLimit:
    """ASGI middleware: responds with 413 to a body of more than `max_bytes`, with or without Content-Length."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or len(announced) > _LENGTH_DIGITS or int(announced) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        size = 0

        async def counting_receive() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            # To the application, a client that sends too much has disconnected.
            return {"type": "http.disconnect"} if size > self._max_bytes else message

        async def send_unless_too_large(message: Message) -> None:
            if size <= self._max_bytes:
                await send(message)

        try:
            await self._app(scope, counting_receive, send_unless_too_large)
        except ClientDisconnect:
            if size <= self._max_bytes:
                raise
        if size > self._max_bytes:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem("body_too_large", f"The body may have at most {self._max_bytes} bytes.")
        await response(scope, receive, send)
