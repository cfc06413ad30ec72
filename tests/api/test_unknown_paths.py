"""Unknown ids, paths and methods are refused with problem details."""

import httpx
import pytest

from tests.api.conftest import nothing_changes, problem_of
from tests.api.routes import ROUTES_OF_AN_ID


@pytest.mark.parametrize(
    "unknown",
    [
        *("01900000-0000-7000-8000-ffffffffffff", "x", "%2e%2e", "%2e%2e%5c", "%00", "a%00b", "'", "%22", "%0a", "%20"),
        *("'%20OR%201=1--", "%ed%a0%80", "%ff", "☂", "{}", "*", "null", "%25s", "a" * 300),
    ],
)
async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient, session_id: str, unknown: str) -> None:
    async with nothing_changes(client):
        for route in ROUTES_OF_AN_ID:
            refused = await route.call(client, **dict.fromkeys(("project_id", "session_id", "message_id"), unknown))
            problem_of(refused, 404, route.not_found_code)


async def test_the_id_of_another_kind_of_thing_is_not_found(client: httpx.AsyncClient, known: dict[str, str]) -> None:
    ids = {"project_id": known["session_id"], "session_id": known["project_id"], "message_id": known["session_id"]}
    async with nothing_changes(client):
        for route in ROUTES_OF_AN_ID:
            problem_of(await route.call(client, **ids), 404, route.not_found_code)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/nope", "/sessions", "/messages", "/projects/x/nodes", "/sessions/x/messages/y", "/docs", "/redoc"),
        *("/projects/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/PROJECTS", "/health/x", "/%00", "/socket.io/"),
    ],
)
async def test_an_unknown_path_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    problem_of(await client.get(path), 404, "no_such_path")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("PUT", "/projects"), ("DELETE", "/projects"), ("POST", "/projects/{project_id}"), ("POST", "/health")),
        *(("PUT", "/projects/{project_id}"), ("DELETE", "/projects/{project_id}/sessions"), ("BREW", "/health")),
        *(("POST", "/sessions/{session_id}"), ("PATCH", "/sessions/{session_id}"), ("POST", "/messages/x")),
        *(("POST", "/sessions/{session_id}/events"), ("DELETE", "/messages/x"), ("GET", "/messages/x/cancel")),
    ],
)
async def test_a_method_that_a_path_does_not_have_is_not_allowed(
    client: httpx.AsyncClient, known: dict[str, str], method: str, path: str
) -> None:
    async with nothing_changes(client):
        refused = await client.request(method, path.format(**known))
        problem_of(refused, 405, "method_not_allowed")
        assert refused.headers["allow"]
