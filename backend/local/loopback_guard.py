"""Keeps web pages of elsewhere away from a server that trusts everybody on this machine.

A browser lets any page send requests to 127.0.0.1, and a name that is rebound to 127.0.0.1 makes them same-origin. So
the `Host` must be a loopback name and the `Origin`, where there is one, too; for HTTP and WebSocket alike.
"""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.app.api.errors import problem

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Matched as one string and never parsed: two parsers may find two host names in one malformed value.
LOOPBACK_HOST = r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?"
_HOST = re.compile(LOOPBACK_HOST, re.IGNORECASE)
_ORIGIN = re.compile(f"https?://{LOOPBACK_HOST}")


class LoopbackGuard:
    """ASGI middleware: refuses a foreign `Host` with 421 and a foreign `Origin` with 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = None if scope["type"] == "lifespan" else _refusal(scope["headers"])
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket" and "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await problem(*refusal)(scope, receive, send)


def _refusal(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str] | None:
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return "foreign_host", "Without identity settings this server only answers to localhost."
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if any(not _ORIGIN.fullmatch(origin) for origin in origins):
        return "foreign_origin", "Without identity settings this server only answers to pages of this machine."
    return None
