"""What the load balancer and the health check of the container are answered."""

from collections.abc import MutableMapping
from typing import Any, cast

import httpx
import pytest

from backend.relay.health import HealthApp


def http(*, ready: bool) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(cast(Any, HealthApp(lambda: ready)))
    return httpx.AsyncClient(transport=transport, base_url="http://relay")


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_alive_and_ready_are_two_questions(ready: bool, status: int) -> None:
    async with http(ready=ready) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == status


async def test_answers_are_never_kept() -> None:
    async with http(ready=True) as client:
        answer = await client.head("/readyz")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/healthz/"), ("POST", "/healthz"), ("GET", "/x")])
async def test_everything_else_is_not_found(method: str, path: str) -> None:
    async with http(ready=True) as client:
        answer = await client.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_websocket_elsewhere_is_refused() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    await HealthApp(lambda: True)({"type": "websocket", "path": "/healthz"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
