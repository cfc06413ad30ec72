"""Health checks of the relay's container and of `make run`."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.asgi import build_asgi
from backend.local.settings import LocalSettings
from backend.relay.health import HealthApp
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from shared.identity import LocalAuthenticator


def http(*, ready: bool) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(cast(Any, HealthApp(lambda: ready)))
    return httpx.AsyncClient(transport=transport, base_url="http://relay")


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_a_relay_that_is_not_ready_is_alive(ready: bool, status: int) -> None:
    async with http(ready=ready) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == status


async def test_answers_are_not_cached() -> None:
    async with http(ready=True) as client:
        answer = await client.head("/readyz")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/healthz/"), ("POST", "/healthz"), ("GET", "/x")])
async def test_other_paths_are_not_found(method: str, path: str) -> None:
    async with http(ready=True) as client:
        answer = await client.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_websocket_at_another_path_is_refused() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    await HealthApp(lambda: True)({"type": "websocket", "path": "/healthz"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "no_such_path"}]


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_the_local_process_answers_health_checks_and_all_other_paths(
    engine: LocalEngine, tmp_path: Path, ready: bool, status: int
) -> None:
    settings = LocalSettings(data_dir=tmp_path)
    relay = Relay(LocalAuthenticator(), engine.access, engine.events, RelaySettings(origins=()))
    app = build_asgi(settings, build_services(settings, engine), relay, lambda: ready)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        assert (await client.get("/readyz")).status_code == status
        assert (await client.get("/health")).json()["engine"] == "local"
        assert (await client.post("/healthz")).status_code == 404
