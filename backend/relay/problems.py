"""Refusals of the relay's HTTP server: problem details (RFC 9457), also for WebSocket handshakes."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from shared import problems

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

# In the form of ASGI messages.
SAFE_HEADERS: list[Header] = [(name.lower().encode(), value.encode()) for name, value in problems.SAFE_HEADERS.items()]
_POLICY_VIOLATION = 1008


def problem(status: int, code: str, detail: str) -> tuple[list[Header], bytes]:
    """The headers and the body of a refusal; `code` is stable."""
    body = json.dumps(problems.problem_details(status, code, detail)).encode()
    headers = [(b"content-type", problems.PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    return [*headers, *SAFE_HEADERS], body


def problem_response(status: int, code: str, detail: str) -> bytes:
    """A complete HTTP response that refuses and closes the connection."""
    headers, body = problem(status, code, detail)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join([*lines, b"connection: close", b"", body])


async def send_problem(
    scope: Scope, send: Send, status: int, code: str, detail: str, *, more_headers: tuple[Header, ...] = ()
) -> None:
    """Refuse an HTTP request, or a WebSocket before it is accepted; without a body if the server supports none."""
    prefix = "http"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": code})
            return
        prefix = "websocket.http"
    headers, body = problem(status, code, detail)
    await send({"type": f"{prefix}.response.start", "status": status, "headers": [*headers, *more_headers]})
    await send({"type": f"{prefix}.response.body", "body": b"" if scope.get("method") == "HEAD" else body})
