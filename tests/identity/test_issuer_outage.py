"""Responses while the issuer's keys cannot be fetched: retry, never sign in again."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.asgi import build_asgi
from backend.local.settings import LocalSettings
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from tests.api.conftest import problem_of
from tests.identity.api_calls import CALLS, endpoints, make
from tests.identity.bad_tokens import bad_token
from tests.identity.issuer import TokenIssuer
from tests.identity.people import RawSocket

IDS = dict.fromkeys(("project_id", "session_id", "message_id"), "01900000-0000-7000-8000-ffffffffffff")
URL = "http://localhost"


@pytest.fixture
async def transport(engine: LocalEngine, issuer: TokenIssuer, tmp_path: Path) -> AsyncIterator[httpx.ASGITransport]:
    """The application before it has fetched any keys."""
    settings = LocalSettings.model_validate({"data_dir": tmp_path, **issuer.settings})
    services = build_services(settings, engine)
    relay = Relay(services.authenticator, engine.access, engine.events, RelaySettings())
    yield httpx.ASGITransport(build_asgi(settings, services, relay))
    await relay.sio.shutdown()


async def test_every_call_with_a_token_is_answered_with_retry_after(
    transport: httpx.ASGITransport, issuer: TokenIssuer
) -> None:
    issuer.published.answer = (503, b"")
    headers = [(b"Authorization", b"Bearer " + issuer.token("ann").encode())]
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        for endpoint in endpoints():
            call = CALLS[endpoint][0]
            answer = await make(client, endpoint, call, IDS, headers)
            if call.is_open:
                assert answer.status_code == 200
                continue
            problem_of(answer, 503, "keys_unavailable")
            assert 1 <= int(answer.headers["retry-after"]) <= 5
            assert "www-authenticate" not in answer.headers
    assert issuer.published.fetches == 1


@pytest.mark.parametrize("kind", ["garbage", "alg=none", "HS256 with a known secret", "no kid"])
async def test_a_malformed_token_is_invalid_without_any_keys(
    transport: httpx.ASGITransport, issuer: TokenIssuer, kind: str
) -> None:
    issuer.published.answer = (503, b"")
    headers = {"Authorization": f"Bearer {bad_token(kind, issuer, 'ann')}"}
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
        problem_of(await client.get("/projects"), 401, "invalid_token")
    assert issuer.published.fetches == 0


async def test_a_socket_is_refused_with_a_retryable_code_and_may_retry_on_the_same_connection(
    transport: httpx.ASGITransport, issuer: TokenIssuer
) -> None:
    issuer.published.answer = (200, b"<html>")
    async with RawSocket(URL, transport) as socket:
        await socket.connect({"token": issuer.token("ann")})
        refusal = json.loads(await socket.answer_to("44"))
        assert refusal["data"] == {"code": "keys_unavailable"}
        socket.packets.clear()
        await socket.connect({"token": "garbage"})
        assert json.loads(await socket.answer_to("44"))["data"] == {"code": "invalid_token"}


async def test_signed_in_users_are_not_affected(transport: httpx.ASGITransport, issuer: TokenIssuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.token('ann')}"}
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
        assert (await client.get("/projects")).status_code == 200
        issuer.published.answer = (503, b"")
        assert (await client.get("/projects")).status_code == 200
        async with RawSocket(URL, transport) as socket:
            await socket.connect({"token": issuer.token("ann")})
            await socket.answer_to("40{")
    assert issuer.published.fetches == 1
