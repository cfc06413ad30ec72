"""What the load balancer and the container's health check ask."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class HealthApp:
    """An ASGI application with `/healthz` (the process lives) and `/readyz` (it hears what is published)."""

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        status, answer = self._answer(scope["method"], scope["path"])
        body = json.dumps(answer).encode()
        headers = [
            (b"content-type", b"application/problem+json" if status == 404 else b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, method: str, path: str) -> tuple[int, Mapping[str, object]]:
        if method in ("GET", "HEAD"):
            if path == "/healthz":
                return 200, {"status": "alive"}
            if path == "/readyz":
                return (200, {"status": "ready"}) if self._is_ready() else (503, {"status": "not ready"})
        return 404, {"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found"}
