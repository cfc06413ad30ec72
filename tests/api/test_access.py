"""Access to projects: strangers have none, members may use a project, and only its owner manages it."""

from dataclasses import replace

import httpx
import pytest

from backend.app.api.services import Services
from shared.identity import Identity, InvalidTokenError
from tests.api.conftest import connect, create_project, get, json_of, listed, nothing_changes, problem_of, send
from tests.api.routes import OWNER_ROUTES, ROUTES_OF_AN_ID, Route, name_of

UNKNOWN = "01900000-0000-7000-8000-ffffffffffff"
every_route = pytest.mark.parametrize("route", [*ROUTES_OF_AN_ID, *OWNER_ROUTES], ids=name_of)


class TokenAuthenticator:
    """Accepts one token, and records the tokens that it was given."""

    def __init__(self) -> None:
        self.shown: list[str | None] = []

    async def authenticate(self, token: str | None) -> Identity:
        self.shown.append(token)
        if token != "good-token":
            raise InvalidTokenError("The token is missing or wrong.")
        return Identity("local")


@pytest.fixture
async def known(client: httpx.AsyncClient, project_id: str, session_id: str) -> dict[str, str]:
    """What a route may be about: a project of the user `local`, its session and a queued message."""
    message = await send(client, session_id)
    return {"project_id": project_id, "session_id": session_id, "message_id": message["message_id"]}


@every_route
async def test_to_a_stranger_a_project_does_not_exist(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, known: dict[str, str], route: Route
) -> None:
    async with nothing_changes(client):
        refused = await route.call(stranger, **known)
        problem_of(refused, 404, route.not_found_code)
    unknown = await route.call(stranger, **dict.fromkeys(known, UNKNOWN))
    kind = route.not_found_code.partition("_")[0]
    assert refused.text.replace(known[f"{kind}_id"], UNKNOWN) == unknown.text


async def test_a_stranger_lists_only_what_is_theirs(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, project_id: str
) -> None:
    assert (await get(stranger, "/projects"))["projects"] == []
    own = await create_project(stranger)
    assert own["owner"] == "stranger"
    assert (await get(stranger, "/projects"))["projects"] == [listed(own)]
    assert [project["project_id"] for project in (await get(client, "/projects"))["projects"]] == [project_id]


@pytest.mark.parametrize("route", ROUTES_OF_AN_ID, ids=name_of)
async def test_a_member_may_use_a_project(
    client: httpx.AsyncClient, member: httpx.AsyncClient, known: dict[str, str], route: Route
) -> None:
    await client.patch(f"/projects/{known['project_id']}", json={"members": ["member"]})
    answer = await route.call(member, **known)
    assert answer.status_code in (200, 201, 202), answer.text


@pytest.mark.parametrize("route", OWNER_ROUTES, ids=name_of)
async def test_only_the_owner_renames_shares_and_deletes(
    client: httpx.AsyncClient, member: httpx.AsyncClient, known: dict[str, str], route: Route
) -> None:
    await client.patch(f"/projects/{known['project_id']}", json={"members": ["member", "ann"]})
    async with nothing_changes(client):
        problem_of(await route.call(member, **known), 403, "owner_only")
    assert (await route.call(client, **known)).status_code == 200


async def test_a_shared_project_is_in_the_list_of_its_member(
    client: httpx.AsyncClient, member: httpx.AsyncClient, project_id: str
) -> None:
    await client.patch(f"/projects/{project_id}", json={"members": ["member"]})
    assert await get(member, "/projects") == await get(client, "/projects")


async def test_a_removed_member_is_a_stranger(
    client: httpx.AsyncClient, member: httpx.AsyncClient, known: dict[str, str]
) -> None:
    for members in (["member"], ["ann"]):
        await client.patch(f"/projects/{known['project_id']}", json={"members": members})
    assert (await get(member, "/projects"))["projects"] == []
    for route in ROUTES_OF_AN_ID:
        problem_of(await route.call(member, **known), 404, route.not_found_code)


async def test_a_member_who_leaves_a_project_is_a_stranger(
    client: httpx.AsyncClient, member: httpx.AsyncClient, known: dict[str, str]
) -> None:
    path = f"/projects/{known['project_id']}"
    await client.patch(path, json={"members": ["ann", "member", "zoe"]})
    left = json_of(await member.patch(path, json={"members": ["zoe", "ann"]}), 200)
    assert left["members"] == ["ann", "zoe"]
    assert (await get(member, "/projects"))["projects"] == []
    for route in ROUTES_OF_AN_ID:
        problem_of(await route.call(member, **known), 404, route.not_found_code)
    assert (await get(client, path))["members"] == ["ann", "zoe"]


async def test_the_last_member_may_leave_too_and_edit_the_code_in_the_same_call(
    client: httpx.AsyncClient, member: httpx.AsyncClient, project_id: str
) -> None:
    path = f"/projects/{project_id}"
    await client.patch(path, json={"members": ["member"]})
    left = json_of(await member.patch(path, json={"members": [], "code": "x = 1", "base_version": 1}), 200)
    assert (left["members"], left["code"]) == ([], "x = 1")
    problem_of(await member.get(path), 404, "project_not_found")


@pytest.mark.parametrize("members", [["member"], ["ann"], ["ann", "zoe", "eve"], ["ann", "zoe", "member", "member2"]])
async def test_a_member_who_leaves_cannot_change_other_members(
    client: httpx.AsyncClient, member: httpx.AsyncClient, project_id: str, members: list[str]
) -> None:
    await client.patch(f"/projects/{project_id}", json={"members": ["ann", "member", "zoe"]})
    async with nothing_changes(client):
        answer = await member.patch(f"/projects/{project_id}", json={"members": members})
        problem_of(answer, 403, "owner_only")


@pytest.mark.parametrize("name", ["Member", "member ", "LOCAL", "membe"])
async def test_a_user_is_known_by_the_exact_name(
    client: httpx.AsyncClient, member: httpx.AsyncClient, project_id: str, name: str
) -> None:
    await client.patch(f"/projects/{project_id}", json={"members": [name]})
    problem_of(await member.get(f"/projects/{project_id}"), 404, "project_not_found")


@every_route
async def test_every_route_refuses_calls_without_a_valid_token(
    client: httpx.AsyncClient, services: Services, known: dict[str, str], route: Route
) -> None:
    async with connect(replace(services, authenticator=TokenAuthenticator())) as anonymous, nothing_changes(client):
        refused = await route.call(anonymous, **known)
        problem_of(refused, 401, "invalid_token")
        assert refused.headers["www-authenticate"] == "Bearer"
        for listed in (await anonymous.get("/projects"), await anonymous.post("/projects", json={"name": "New"})):
            problem_of(listed, 401, "invalid_token")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer good-token", "good-token"),
        ("bearer  good-token", "good-token"),
        ("Bearer bad-token", "bad-token"),
        ("Bearer ", ""),
        ("Basic good-token", None),
        ("good-token", None),
        ("", None),
        (None, None),
    ],
)
async def test_the_token_follows_the_bearer_scheme(services: Services, header: str | None, token: str | None) -> None:
    authenticator = TokenAuthenticator()
    async with connect(replace(services, authenticator=authenticator)) as client:
        answer = await client.get("/projects", headers={} if header is None else {"Authorization": header})
    assert authenticator.shown == [token]
    assert answer.status_code == (200 if token == "good-token" else 401)


async def test_health_needs_no_token(services: Services) -> None:
    async with connect(replace(services, authenticator=TokenAuthenticator())) as client:
        assert (await client.get("/health")).status_code == 200
