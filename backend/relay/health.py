"""Health checks for the load balancer and the container."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from backend.relay.problems import SAFE_HEADERS, Scope, Send, send_problem

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Answer = tuple[int, Mapping[str, object]]

_METHODS = ("GET", "HEAD")


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
    """An ASGI application that answers 404 to every request."""
    await send_problem(scope, send, 404, "no_such_path", "There is nothing at this path.")


class HealthApp:
    """An ASGI application with `/healthz` (the process runs) and `/readyz` (it receives events, and is not draining).

    Args:
        is_ready: whether `/readyz` answers 200.
        other_app: answers all other paths.
    """

    def __init__(self, is_ready: Callable[[], bool], other_app: App = not_found) -> None:
        self._is_ready = is_ready
        self._other_app = other_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. No application behind this one accepts WebSockets."""
        if scope["type"] == "websocket":
            await not_found(scope, receive, send)
            return
        answer = self._answer(scope["path"]) if scope["type"] == "http" and scope["method"] in _METHODS else None
        if answer is None:
            await self._other_app(scope, receive, send)
        else:
            await _send_json(scope, send, *answer)

    def _answer(self, path: str) -> Answer | None:
        if path == "/healthz":
            return 200, {"status": "alive"}
        if path == "/readyz":
            return (200, {"status": "ready"}) if self._is_ready() else (503, {"status": "not ready"})
        return None


async def _send_json(scope: Scope, send: Send, status: int, answer: Mapping[str, object]) -> None:
    body = json.dumps(answer).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *SAFE_HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
