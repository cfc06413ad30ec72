"""Each route of the API, called by each kind of caller: its response, and that a refusal changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backend.app.api.services import Services
from backend.app.wiring import build_services
from backend.app.wiring_local import LocalEngine
from backend.local.settings import LocalSettings
from tests.api.conftest import create_project, get, json_of, nothing_changes, problem_of, send, start_session
from tests.api.routes import id_kind
from tests.application import application_of
from tests.identity.api_calls import CALLS, Call, Endpoint, Headers, calls, endpoints, make, name_of
from tests.identity.bad_tokens import BAD_TOKENS, bad_token
from tests.identity.issuer import TokenIssuer

# Tokens of callers without a valid one; each claims to be the owner.
BAD_CALLERS = {
    "no token": None,
    "garbage": "garbage",
    "bad signature": "another signature",
    "alg=none": "alg=none",
    "HS256 with the public key": "HS256 with the public key",
    "expired": "expired",
    "another audience": "for another audience",
}
PEOPLE = ("stranger", "member", "owner")
each_call = pytest.mark.parametrize(("endpoint", "call"), [pytest.param(*cell, id=name_of(*cell)) for cell in calls()])


def bearer(token: str) -> Headers:
    # A header is bytes: half a character can only be sent over the socket.
    return [(b"Authorization", b"Bearer " + token.encode(errors="replace"))]


@pytest.fixture
def services(engine: LocalEngine, issuer: TokenIssuer, tmp_path: Path) -> Services:
    return build_services(LocalSettings.model_validate({"data_dir": tmp_path, **issuer.settings}), engine)


@pytest.fixture
def app(services: Services) -> FastAPI:
    return application_of(services)


def connect(app: FastAPI, *, raise_bugs: bool = True) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=raise_bugs)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token, unless the test sends one."""
    async with connect(app) as client:
        yield client


@pytest.fixture
async def owner(app: FastAPI, issuer: TokenIssuer) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(app) as owner:
        owner.headers["Authorization"] = f"Bearer {issuer.token('owner')}"
        yield owner


@pytest.fixture
async def known(owner: httpx.AsyncClient) -> dict[str, str]:
    """A project of `owner` that is shared with `member`, its session and a queued message."""
    project_id = (await create_project(owner))["project_id"]
    json_of(await owner.patch(f"/projects/{project_id}", json={"members": ["member"]}), 200)
    session_id = (await start_session(owner, project_id))["session_id"]
    message_id = (await send(owner, session_id))["message_id"]
    return {"project_id": project_id, "session_id": session_id, "message_id": message_id}


@pytest.mark.parametrize("endpoint", endpoints(), ids=" ".join)
def test_every_route_is_in_the_matrix(endpoint: Endpoint) -> None:
    assert CALLS.get(endpoint), f"No call of api_calls.py covers {' '.join(endpoint)}"


def test_every_route_of_the_matrix_exists() -> None:
    assert set(CALLS) == set(endpoints())


@each_call
async def test_a_caller_without_a_valid_token_is_refused(
    client: httpx.AsyncClient,
    owner: httpx.AsyncClient,
    issuer: TokenIssuer,
    known: dict[str, str],
    endpoint: Endpoint,
    call: Call,
) -> None:
    async with nothing_changes(owner):
        for caller, kind in BAD_CALLERS.items():
            headers = [] if kind is None else bearer(bad_token(kind, issuer, "owner"))
            answer = await make(client, endpoint, call, known, headers)
            if call.is_open:
                assert answer.status_code == 200, caller
            else:
                assert answer.status_code == 401, caller
                problem_of(answer, 401, "invalid_token")
                assert answer.headers["www-authenticate"] == "Bearer"
                assert not any(one in answer.text for one in known.values())


@each_call
@pytest.mark.parametrize("person", PEOPLE)
async def test_callers_with_a_valid_token_get_exactly_what_they_may(
    client: httpx.AsyncClient,
    owner: httpx.AsyncClient,
    issuer: TokenIssuer,
    known: dict[str, str],
    endpoint: Endpoint,
    call: Call,
    person: str,
) -> None:
    authorization = bearer(issuer.token(person, key=issuer.ec))
    kind = id_kind(endpoint[1])
    if kind is not None and person == "stranger":
        async with nothing_changes(owner):
            problem_of(await make(client, endpoint, call, known, authorization), 404, f"{kind}_not_found")
    elif call.owner_only and person == "member":
        async with nothing_changes(owner):
            problem_of(await make(client, endpoint, call, known, authorization), 403, "owner_only")
    elif call.is_open:
        assert (await make(client, endpoint, call, known, authorization)).status_code == 200
    else:
        answer = json_of(await make(client, endpoint, call, known, authorization), call.status)
        if endpoint == ("GET", "/projects"):
            theirs = [] if person == "stranger" else [known["project_id"]]
            assert [project["project_id"] for project in answer["projects"]] == theirs
        if endpoint == ("POST", "/projects"):
            assert (answer["owner"], answer["members"]) == (person, [])


async def test_every_bad_token_ends_in_401_and_none_in_a_crash(app: FastAPI, issuer: TokenIssuer) -> None:
    async with connect(app, raise_bugs=False) as client:
        statuses = {
            kind: (await client.get("/projects", headers=bearer(bad_token(kind, issuer, "owner")))).status_code
            for kind in BAD_TOKENS
        }
    assert {kind: status for kind, status in statuses.items() if status != 401} == {}


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "JWT ", "Bearer,", "Bearer="])
async def test_a_valid_token_with_another_scheme_is_refused(
    client: httpx.AsyncClient, issuer: TokenIssuer, scheme: str
) -> None:
    answer = await client.get("/projects", headers={"Authorization": scheme + issuer.token("owner")})
    problem_of(answer, 401, "invalid_token")


@pytest.mark.parametrize("place", ["access_token", "token", "authorization"])
async def test_a_token_in_the_address_or_a_cookie_proves_nothing(
    client: httpx.AsyncClient, issuer: TokenIssuer, place: str
) -> None:
    token = issuer.token("owner")
    problem_of(await client.get("/projects", params={place: token}), 401, "invalid_token")
    problem_of(await client.get("/projects", headers={"Cookie": f"{place}={token}"}), 401, "invalid_token")


async def test_a_refusal_does_not_reveal_whether_the_body_is_valid(
    client: httpx.AsyncClient, known: dict[str, str]
) -> None:
    for body in ("{}", '{"name": 7}', '{"name": "New"}'):
        refused = await client.post("/projects", content=body, headers={"Content-Type": "application/json"})
        problem_of(refused, 401, "invalid_token")


async def test_tokens_distinguish_two_users_of_one_connection(
    client: httpx.AsyncClient, owner: httpx.AsyncClient, issuer: TokenIssuer, known: dict[str, str]
) -> None:
    path = f"/projects/{known['project_id']}"
    for person, status in [("owner", 200), ("stranger", 404), ("member", 200), ("stranger", 404), ("Owner", 404)]:
        answer = await client.get(path, headers=bearer(issuer.token(person)))
        assert answer.status_code == status
    assert (await get(owner, path))["members"] == ["member"]
