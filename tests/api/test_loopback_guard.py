"""Without identity settings only this machine is answered: by `Host`, for HTTP and WebSocket alike."""

import json
from dataclasses import dataclass, field

import pytest
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from backend.local.loopback_guard import LoopbackGuard

OWN_HOSTS = [
    *("localhost", "localhost:8765", "LocalHost:1", "127.0.0.1", "127.0.0.1:8765"),
    *("[::1]", "[::1]:8765", "localhost:65535"),
]
FOREIGN_HOSTS = [
    *("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil", "evil.localhost"),
    "0.0.0.0",  # noqa: S104 - it is refused
    *("127.0.0.2", "10.0.0.1", "[::]", "[::ffff:127.0.0.1]", "::1", "2130706433", "127.1"),
    *("user@localhost", "user:secret@localhost", "localhost@evil.example", "localhost:80@evil.example"),
    *(
        "localhost:http",
        "localhost:-1",
        "localhost:999999",
        "localhost:8765:1",
        "[::1",
        "::1]",
        "",
        " ",
        ":8765",
        "\xff",
    ),
    *("localhost,evil.example", "localhost evil.example", "http://localhost", "evil.example/localhost"),
    *("evil.example#localhost", "evil.example\\localhost", "localhost%00.evil.example", "xn--localhost"),
]
# Not even a host: no browser sends such a header.
MALFORMED_HOSTS = ["@localhost", ":secret@localhost", "localhost/x", "localhost?x", "localhost#x", "local\thost"]
OWN_ORIGINS = [
    *("http://localhost:5173", "http://localhost", "https://localhost:8443", "http://127.0.0.1:8765"),
    "http://[::1]:3000",
]
FOREIGN_ORIGINS = [
    *("null", "", "https://evil.example", "http://evil.example:8765", "http://127.0.0.1@evil.example"),
    *("http://localhost@evil.example", "http://evil.example@localhost", "http://localhost.evil.example"),
    *("http://evil.example/localhost", "http://evil.example?localhost", "http://evil.example#@localhost"),
    *("http://localhost:5173.evil.example", "http://evil.example\\@localhost", "localhost", "file://", "data:x"),
    *("http://0.0.0.0", "http://192.168.0.1", "http://127.0.0.1.nip.io", "chrome-extension://abcdef", "\xff"),
]
Headers = list[tuple[bytes, bytes]]


@dataclass
class Application:
    """Answers every request and accepts every WebSocket, and notes that it was asked."""

    asked: list[Scope] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await JSONResponse({"code": "answered"})(scope, receive, send)


def headers_of(*hosts: str, origins: tuple[str, ...] = ()) -> Headers:
    return [
        *((b"host", host.encode("latin-1")) for host in hosts),
        *((b"origin", origin.encode("latin-1")) for origin in origins),
    ]


async def _call(scope_type: str, headers: Headers) -> tuple[list[Message], Application]:
    scope = {
        "type": scope_type,
        "http_version": "1.1",
        "method": "GET",
        "path": "/health",
        "query_string": b"",
        "headers": headers,
    }
    sent: list[Message] = []
    application = Application()

    async def receive() -> Message:
        return {"type": "websocket.connect"} if scope_type == "websocket" else {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    await LoopbackGuard(application)(scope, receive, send)
    return sent, application


async def answer_to(headers: Headers) -> tuple[int, str]:
    """The status and code of a response; a refused request does not reach the application."""
    (start, *bodies), application = await _call("http", headers)
    status: int = start["status"]
    assert len(application.asked) == (1 if status == 200 else 0)
    return status, json.loads(b"".join(part.get("body", b"") for part in bodies))["code"]


async def socket_answer_to(headers: Headers) -> str:
    """The answer to a WebSocket handshake; a refused one does not reach the application."""
    (message,), application = await _call("websocket", headers)
    kind: str = message["type"]
    assert len(application.asked) == (1 if kind == "websocket.accept" else 0)
    return kind


@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_a_request_to_this_machine_is_answered(host: str) -> None:
    assert await answer_to(headers_of(host)) == (200, "answered")


@pytest.mark.parametrize("host", FOREIGN_HOSTS + MALFORMED_HOSTS)
async def test_a_request_to_another_host_is_misdirected(host: str) -> None:
    assert await answer_to(headers_of(host)) == (421, "foreign_host")


@pytest.mark.parametrize("hosts", [(), ("localhost", "localhost"), ("localhost", "evil.example"), ("", "localhost")])
async def test_a_request_has_exactly_one_host(hosts: tuple[str, ...]) -> None:
    assert await answer_to(headers_of(*hosts)) == (421, "foreign_host")
    assert await socket_answer_to(headers_of(*hosts)) == "websocket.close"


@pytest.mark.parametrize("origin", OWN_ORIGINS)
async def test_a_page_of_this_machine_is_answered(origin: str) -> None:
    assert await answer_to(headers_of("localhost:8765", origins=(origin,))) == (200, "answered")
    assert await socket_answer_to(headers_of("localhost:8765", origins=(origin,))) == "websocket.accept"


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_of_elsewhere_is_refused(origin: str) -> None:
    assert await answer_to(headers_of("localhost:8765", origins=(origin,))) == (403, "foreign_origin")


async def test_one_foreign_origin_of_two_is_refused() -> None:
    origins = ("http://localhost", "https://evil.example")
    for order in (origins, origins[::-1]):
        assert await answer_to(headers_of("localhost", origins=order)) == (403, "foreign_origin")
        assert await socket_answer_to(headers_of("localhost", origins=order)) == "websocket.close"


@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_a_socket_to_this_machine_is_passed_on(host: str) -> None:
    assert await socket_answer_to(headers_of(host)) == "websocket.accept"


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_socket_to_another_host_is_closed_before_it_opens(host: str) -> None:
    assert await socket_answer_to(headers_of(host)) == "websocket.close"


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_socket_of_a_page_of_elsewhere_is_closed_before_it_opens(origin: str) -> None:
    assert await socket_answer_to(headers_of("localhost:8765", origins=(origin,))) == "websocket.close"
