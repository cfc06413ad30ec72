"""API Gateway's part: an HTTP server that hands each request to its function as an event (payload format 2.0)."""

import base64
import re
import uuid
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from backend.app.api.application import ALL_ROUTES
from tests.aws_stack.sandboxes import Lambda, SandboxDiedError
from tests.loopback_server import LoopbackServer

Json = dict[str, Any]

# API Gateway gives up after this.
_TIMEOUT_SECONDS = 30.0
_PATTERNS = [(route, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path))) for route in ALL_ROUTES]


class Gateway(LoopbackServer):
    """Serves in threads of this process. Use it in a `with` block; `url` says where."""

    def __init__(self, functions: Lambda) -> None:
        super().__init__(_handler_of(functions))


def gateway_event(method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[str, Json] | None:
    """The function that serves a request, and the event it is given; None where no route matches."""
    parts = urlsplit(target)
    for route, pattern in _PATTERNS:
        found = pattern.fullmatch(parts.path)
        if found is None or route.method != method:
            continue
        event = {
            "version": "2.0",
            "routeKey": f"{method} {route.path}",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": {name.lower(): value for name, value in headers.items()},
            "pathParameters": found.groupdict(),
            "requestContext": {
                "http": {"method": method, "path": parts.path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
                "requestId": str(uuid.uuid4()),
                "stage": "$default",
            },
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        return f"functions.{route.name}", event
    return None


def _handler_of(functions: Lambda) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = gateway_event(self.command, self.path, dict(self.headers), body)
            if asked is None:
                self._answer(404, {"content-type": "application/json"}, b'{"message":"Not Found"}')
                return
            try:
                answer = functions.invoke(*asked, timeout=_TIMEOUT_SECONDS)
            except SandboxDiedError:
                self._answer(502, {"content-type": "application/json"}, b'{"message":"Internal Server Error"}')
                return
            content = answer["body"].encode()
            if answer["isBase64Encoded"]:
                content = base64.b64decode(content)
            self._answer(answer["statusCode"], answer["headers"], content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names in http.server

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Say nothing."""

    return Handler
