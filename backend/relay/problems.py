"""What the relay's own server says where it refuses: problem details (RFC 9457), to WebSockets' handshakes too."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

# Of every answer that is no file: not to be taken for anything else, and not to be kept.
SAFE_HEADERS: list[Header] = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
_POLICY_VIOLATION = 1008


def problem(status: int, code: str, detail: str) -> tuple[list[Header], bytes]:
    """The headers and the body of a refusal with a stable `code`."""
    title = HTTPStatus(status).phrase
    told = {"type": f"urn:vibewire:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    body = json.dumps(told).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    return [*headers, *SAFE_HEADERS], body


def problem_response(status: int, code: str, detail: str) -> bytes:
    """A refusal as it goes over the connection, which ends with it."""
    headers, body = problem(status, code, detail)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join([*lines, b"connection: close", b"", body])


async def send_problem(
    scope: Scope, send: Send, status: int, code: str, detail: str, *, more_headers: tuple[Header, ...] = ()
) -> None:
    """Refuse an HTTP request, or a WebSocket before it is accepted; where its server takes no words, without any."""
    prefix = "http"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": code})
            return
        prefix = "websocket.http"
    headers, body = problem(status, code, detail)
    await send({"type": f"{prefix}.response.start", "status": status, "headers": [*headers, *more_headers]})
    await send({"type": f"{prefix}.response.body", "body": b"" if scope.get("method") == "HEAD" else body})
