"""The process as a browser sees it: API and relay behind the guard, with CORS for pages of this machine."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import ASGIApp

from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.asgi import build_asgi
from backend.local.settings import LocalSettings
from backend.local.start_checks import CannotStartError, check_address
from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from shared.identity import LocalAuthenticator
from tests.api.conftest import create_project, nothing_changes, post_message, problem_of, start_session

PAGE = {"Origin": "http://localhost:5173"}
POLLING = "/socket.io/?EIO=4&transport=polling"
SENT_HEADERS = ["authorization", "content-type", "idempotency-key", "prefer"]


@pytest.fixture
def relay(engine: LocalEngine) -> Relay:
    return Relay(LocalAuthenticator(), engine.access, engine.events, RelaySettings(origins=()))


@pytest.fixture
def app(settings: LocalSettings, engine: LocalEngine, relay: Relay) -> ASGIApp:
    return build_asgi(settings, build_services(settings, engine), relay)


@pytest.fixture
async def page(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A page that a development server on this machine served."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765", headers=PAGE) as page:
        yield page


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3000"])
async def test_a_page_of_this_machine_may_read_the_answer(page: httpx.AsyncClient, origin: str) -> None:
    answer = await page.get("/health", headers={"Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_of_this_machine_sees_location_and_retry_after(page: httpx.AsyncClient) -> None:
    session = await start_session(page, (await create_project(page))["project_id"])
    answers = [await post_message(page, session["session_id"]) for _ in range(21)]
    assert "location" in answers[0].headers
    problem_of(answers[20], 429, "too_many_queued_messages")
    for answer in (answers[0], answers[20]):
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"location", "retry-after"} <= exposed
        assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_page_of_this_machine_may_ask_for_every_method_and_header(page: httpx.AsyncClient, method: str) -> None:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ",".join(SENT_HEADERS)}
    answer = await page.options("/projects/x", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert set(SENT_HEADERS) <= allowed


async def test_a_page_of_elsewhere_may_not_even_ask(page: httpx.AsyncClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    refused = await page.options("/projects/x", headers=asked)
    problem_of(refused, 403, "foreign_origin")
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1@evil.example"])
async def test_a_page_of_elsewhere_changes_nothing(page: httpx.AsyncClient, origin: str) -> None:
    await create_project(page)
    async with nothing_changes(page):
        refused = await page.post("/projects", json={"name": "New"}, headers={"Origin": origin})
        problem_of(refused, 403, "foreign_origin")
        assert "access-control-allow-origin" not in refused.headers


async def test_a_name_that_is_rebound_to_this_machine_changes_nothing(page: httpx.AsyncClient) -> None:
    await create_project(page)
    async with nothing_changes(page):
        refused = await page.post("/projects", json={"name": "New"}, headers={"Host": "evil.example"})
        problem_of(refused, 421, "foreign_host")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 421, "foreign_host"),
        ({"Origin": "null"}, 403, "foreign_origin"),
        ({"Origin": "https://evil.example"}, 403, "foreign_origin"),
    ],
)
async def test_the_relay_is_behind_the_same_guard(
    page: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    for transport in ("polling", "websocket"):
        refused = await page.get(f"/socket.io/?EIO=4&transport={transport}", headers=headers)
        problem_of(refused, status, code)


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3000"])
async def test_a_page_of_this_machine_may_read_every_answer_of_socket_io(page: httpx.AsyncClient, origin: str) -> None:
    page.headers["Origin"] = origin
    opened = await page.get(POLLING)
    url = f"{POLLING}&sid={json.loads(opened.text[1:])['sid']}"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answers = [
        opened,
        await page.options(url, headers=asked),
        await page.post(url, content="40"),
        await page.get(url),
        await page.get(f"{POLLING}&sid=unknown"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400]
    for answer in answers:
        assert answer.headers.get_list("access-control-allow-origin") == [origin]
    assert "POST" in answers[1].headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "origin", ["null", "https://evil.example", "http://localhost.evil.example", "http://127.0.0.2"]
)
async def test_a_page_of_elsewhere_may_neither_ask_socket_io_nor_read_it(page: httpx.AsyncClient, origin: str) -> None:
    page.headers["Origin"] = origin
    asked = {"Access-Control-Request-Method": "POST"}
    for refused in (await page.get(POLLING), await page.options(POLLING, headers=asked), await page.post(POLLING)):
        problem_of(refused, 403, "foreign_origin")
        assert "access-control-allow-origin" not in refused.headers


async def test_a_program_of_this_machine_needs_no_origin(page: httpx.AsyncClient) -> None:
    del page.headers["origin"]
    answer = await page.get("/health")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com"])  # noqa: S104 - it is refused
async def test_without_identity_settings_only_a_loopback_address_is_listened_on(
    settings: LocalSettings, host: str
) -> None:
    with pytest.raises(CannotStartError, match="VIBEWIRE_HOST"):
        check_address(settings.model_copy(update={"host": host}))
