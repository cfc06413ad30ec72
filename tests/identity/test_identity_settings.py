"""The identity settings: all or none, and their effect."""

from collections.abc import AsyncIterator
from itertools import combinations
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local import main
from backend.local.asgi import build_asgi
from backend.local.settings import LocalSettings
from backend.local.start_checks import CannotStartError, check_address
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from shared.environment import InvalidSettingsError, read_settings
from shared.identity import LocalAuthenticator
from shared.jwt_authenticator import JwtAuthenticator, build_authenticator
from tests.identity.issuer import TokenIssuer
from tests.identity.people import PAGE, Server, refused_client
from tests.watcher import Watcher

IDENTITY = {
    "VIBEWIRE_JWKS_URL": "https://issuer.example/jwks.json",
    "VIBEWIRE_JWT_ISSUER": "https://issuer.example/",
    "VIBEWIRE_JWT_AUDIENCE": "vibewire",
}
PARTS = [part for count in (1, 2) for part in combinations(IDENTITY, count)]
ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - whether they may be listened on is the question
FOREIGN = "https://evil.example"
POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
async def client(engine: LocalEngine, issuer: TokenIssuer, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with identity settings, at the machine's name in its network."""
    settings = LocalSettings.model_validate({"data_dir": tmp_path, "origins": PAGE, **issuer.settings})
    relay = Relay(
        build_authenticator(settings), engine.access, engine.events, RelaySettings(origins=settings.allowed_origins)
    )
    app: ASGIApp = build_asgi(settings, build_services(settings, engine), relay)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example:8765") as client:
        yield client
    await relay.sio.shutdown()


@pytest.mark.parametrize("part", PARTS, ids=" ".join)
@pytest.mark.parametrize("others", ["unset", "empty"])
def test_some_but_not_all_identity_settings_stop_the_start_with_their_names(
    part: tuple[str, ...], others: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIBEWIRE_DATA_DIR", str(tmp_path))
    for name, value in IDENTITY.items():
        if name in part:
            monkeypatch.setenv(name, value)
        elif others == "empty":
            monkeypatch.setenv(name, "")
        else:
            monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert all(name in str(stopped.value) for name in IDENTITY)
    assert len(str(stopped.value).splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["issuer.example/jwks.json", "file:///etc/passwd", "ftp://issuer.example/k", "https://"]
)
def test_an_address_of_keys_that_cannot_be_fetched_stops_the_start_with_its_name(url: str) -> None:
    with pytest.raises(InvalidSettingsError, match="VIBEWIRE_JWKS_URL"):
        read_settings(LocalSettings, {**IDENTITY, "VIBEWIRE_JWKS_URL": url})


@pytest.mark.parametrize("name", IDENTITY)
def test_an_identity_setting_of_blanks_alone_stops_the_start_with_its_name(name: str) -> None:
    with pytest.raises(InvalidSettingsError, match=name):
        read_settings(LocalSettings, {**IDENTITY, name: "  "})


def test_tokens_are_checked_with_identity_settings_and_every_caller_is_local_without() -> None:
    assert isinstance(build_authenticator(read_settings(LocalSettings, IDENTITY)), JwtAuthenticator)
    assert isinstance(
        build_authenticator(read_settings(LocalSettings, dict.fromkeys(IDENTITY, ""))), LocalAuthenticator
    )


def test_settings_that_open_the_server_check_tokens_too(tmp_path: Path) -> None:
    settings = LocalSettings(data_dir=tmp_path, jwks_url="", jwt_issuer="", jwt_audience="")
    assert settings.has_identity == isinstance(build_authenticator(settings), JwtAuthenticator)


@pytest.mark.parametrize("host", ALL_ADDRESSES)
def test_all_addresses_may_be_listened_on_with_identity_alone(host: str) -> None:
    check_address(read_settings(LocalSettings, {**IDENTITY, "VIBEWIRE_HOST": host}))
    with pytest.raises(CannotStartError, match="VIBEWIRE_HOST"):
        check_address(read_settings(LocalSettings, {"VIBEWIRE_HOST": host}))


@pytest.mark.parametrize("host", ["api.example", "evil.example:1", "10.0.0.1", "localhost"])
async def test_with_identity_a_server_answers_under_any_name(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/health", headers={"Host": host})).status_code == 200
    assert (await client.get("/projects", headers={"Host": host})).status_code == 401
    assert (await client.get(POLLING, headers={"Host": host})).status_code == 200


async def test_with_identity_pages_of_the_origins_setting_may_read_answers(
    client: httpx.AsyncClient, issuer: TokenIssuer
) -> None:
    headers = {"Origin": PAGE, "Authorization": f"Bearer {issuer.token()}"}
    answer = await client.get("/projects", headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    allowed = await client.options("/projects", headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, PAGE)
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()


async def test_a_page_of_the_origins_setting_may_read_why_it_was_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/projects", headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, PAGE)


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost:5173", f"{PAGE}.evil.example", f"{PAGE}:8443"])
async def test_with_identity_other_pages_may_neither_read_answers_nor_connect(
    client: httpx.AsyncClient, issuer: TokenIssuer, origin: str
) -> None:
    headers = {"Origin": origin, "Authorization": f"Bearer {issuer.token()}"}
    assert "access-control-allow-origin" not in (await client.get("/projects", headers=headers)).headers
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    assert (await client.options("/projects", headers=asked)).status_code == 400
    assert (await client.get(POLLING, headers={"Origin": origin})).status_code == 400


@pytest.mark.parametrize("origin", [PAGE, "https://other.example", None])
async def test_a_page_of_the_origins_setting_may_connect(server: Server, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    async with Watcher(server.url, auth={"token": server.issuer.token()}, headers=headers) as watcher:
        assert (await watcher.call("unsubscribe", {"project_id": "x"}))["ok"] is True


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost:5173"])
async def test_no_other_page_may_connect_though_its_token_is_good(server: Server, origin: str) -> None:
    async with refused_client() as client:
        auth = {"token": server.issuer.token()}
        await client.connect(server.url, transports=["websocket"], auth=auth, headers={"Origin": origin})
    async with httpx.AsyncClient(base_url=server.url, headers={"Origin": origin}) as polling:
        assert (await polling.get(POLLING)).status_code == 400


async def test_a_started_server_with_identity_answers_under_any_name(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers={"Host": "api.example"}) as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/projects")).status_code == 401
