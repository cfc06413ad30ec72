"""Refusals of the relay's HTTP server, before any application is called, and the headers of all its responses."""

import asyncio
import http.client
import io
import json
import logging
from typing import Any, cast

import httpx
import pytest

from backend.relay.transport.http_protocol import RelayHttpProtocol
from tests.relay.live_relay import live_relay
from tests.relay.raw_client import RawHttp

Answer = tuple[int, dict[str, str], bytes]

POLLING = "/socket.io/?EIO=4&transport=polling"
GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
)
NO_REQUESTS = {
    "garbage": b"\x16\x03\x01\x02\x00\x01",
    "an unknown method": b"FETCH / HTTP/1.1\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a target that is none": b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a chunk that is none": b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
    "a head of 100 kB": b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000,
}


class Received(io.BytesIO):
    """What came over a connection, as http.client reads a socket: one answer after the other."""

    def makefile(self, *_: object) -> "Received":
        return self

    def close(self) -> None:
        """Called after each answer, but there may be more."""


def answers_in(data: bytes) -> list[Answer]:
    """The answers that came over a connection."""
    received = Received(data)
    answers = []
    while received.tell() < len(data):  # codespell:ignore tell
        answer = http.client.HTTPResponse(cast(Any, received))
        answer.begin()
        answers.append((answer.status, dict(answer.getheaders()), answer.read()))
    return answers


def check_problem(answer: Answer, status: int, code: str) -> None:
    found, headers, body = answer
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    problem = json.loads(body)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:vibewire:problem:{code}")
    assert problem["title"]
    assert problem["detail"]


async def answers_to(address: tuple[str, int], *parts: bytes) -> list[Answer]:
    async with RawHttp(address) as connection:
        for part in parts:
            await connection.send_bytes(part)
        return answers_in(await connection.until_closed())


@pytest.mark.parametrize("kind", NO_REQUESTS)
async def test_a_malformed_request_is_refused_with_a_problem(kind: str) -> None:
    async with live_relay() as live:
        (answer,) = await answers_to(live.address, NO_REQUESTS[kind])
    check_problem(answer, 400, "malformed_request")


@pytest.mark.parametrize("kind", NO_REQUESTS)
@pytest.mark.parametrize("good", [1, 3])
async def test_requests_before_a_malformed_one_are_answered_first(kind: str, good: int) -> None:
    async with live_relay() as live:
        *answers, refusal = await answers_to(live.address, GOOD * good + NO_REQUESTS[kind])
    assert [(status, body) for status, _, body in answers] == [(200, b'{"status": "alive"}')] * good
    check_problem(refusal, 400, "malformed_request")


@pytest.mark.parametrize("kind", NO_REQUESTS)
async def test_a_long_poll_is_answered_before_a_malformed_request_is_refused(kind: str) -> None:
    async with (
        live_relay() as live,
        httpx.AsyncClient(base_url=live.url) as client,
        RawHttp(live.address) as connection,
    ):
        url = f"{POLLING}&sid={json.loads((await client.get(POLLING)).text[1:])['sid']}"
        await connection.send_bytes(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await connection.send_bytes(NO_REQUESTS[kind])
        ended = asyncio.create_task(connection.until_closed())
        await client.get("/healthz")  # by now the server has seen both, in all likelihood; either order must do
        await client.post(url, content="40")
        answer, refusal = answers_in(await ended)
    assert answer[0] == 200
    assert answer[2].startswith(b"40{")
    check_problem(refusal, 400, "malformed_request")


async def test_an_incomplete_request_does_not_end_the_long_poll_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RelayHttpProtocol, "request_seconds", 0.2)
    async with (
        live_relay() as live,
        httpx.AsyncClient(base_url=live.url) as client,
        RawHttp(live.address) as connection,
    ):
        url = f"{POLLING}&sid={json.loads((await client.get(POLLING)).text[1:])['sid']}"
        await connection.send_bytes(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\nGET /half".encode())
        ended = asyncio.create_task(connection.until_closed())
        await asyncio.wait({ended}, timeout=3 * RelayHttpProtocol.request_seconds)
        assert not ended.done()
        await client.post(url, content="40")
        ((status, _, body),) = answers_in(await ended)
    assert (status, body[:3]) == (200, b"40{")


@pytest.mark.parametrize("path", ["/", "/nowhere", "/healthz", "/socket.iox/?EIO=4&transport=websocket"])
async def test_a_websocket_at_a_wrong_path_is_refused_with_a_problem_and_no_log_line(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_relay() as live:
        (answer,) = await answers_to(live.address, HANDSHAKE.format(path=path, more="").encode())
    check_problem(answer, 404, "no_such_path")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("query", "more"),
    [
        ("EIO=3&transport=websocket", ""),
        ("EIO=4&transport=flashsocket", ""),
        ("EIO=4&transport=websocket&sid=unknown", ""),
        ("EIO=4&transport=websocket", "Origin: https://evil.example\r\n"),
    ],
)
async def test_a_handshake_that_socket_io_refuses_gets_the_reason(query: str, more: str) -> None:
    async with live_relay(origins=("https://console.example",)) as live:
        handshake = HANDSHAKE.format(path=f"/socket.io/?{query}", more=more).encode()
        (answer,) = await answers_to(live.address, handshake)
    check_problem(answer, 400, "bad_request")


async def test_every_response_of_socket_io_has_the_safe_headers() -> None:
    async with live_relay() as live, httpx.AsyncClient(base_url=live.url) as client:
        opened = await client.get(POLLING)
        url = f"{POLLING}&sid={json.loads(opened.text[1:])['sid']}"
        answers = [
            opened,
            await client.post(url, content="40"),
            await client.get(url),
            await client.get(f"{POLLING}&sid=unknown"),
            await client.put(url),
            await client.options(url),
            await client.get("/socket.io/?EIO=9"),
            await client.get("/healthz"),
            await client.get("/nowhere"),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 405, 200, 400, 200, 404]
        for answer in answers:
            assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
            assert answer.headers.get_list("cache-control") == ["no-store"]
