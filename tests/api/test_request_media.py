"""Content types of requests, and the security headers of every response."""

import gzip
import json

import httpx
import pytest

from tests.api.conftest import nothing_changes, problem_of
from tests.api.routes import ROUTES_OF_AN_ID

NAMED = json.dumps({"name": "New"}).encode()


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate", "zstd", "identity, gzip", "gzip, gzip", "x"])
async def test_a_compressed_body_is_refused_with_advice(client: httpx.AsyncClient, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    async with nothing_changes(client):
        refused = await client.post("/projects", content=gzip.compress(NAMED), headers=headers)
    problem = problem_of(refused, 415, "unsupported_media_type")
    assert "Content-Encoding" in problem["detail"]
    assert refused.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "x", ""),
        *("application/jsonp", "application/json; charset=utf-16", "application/json; charset=latin-1"),
    ],
)
async def test_a_body_of_another_media_type_is_refused_with_advice(
    client: httpx.AsyncClient, content_type: str
) -> None:
    async with nothing_changes(client):
        refused = await client.post("/projects", content=NAMED, headers={"Content-Type": content_type})
    assert "Content-Type: application/json" in problem_of(refused, 415, "unsupported_media_type")["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON; Charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/vnd.x+json",
    ],
)
@pytest.mark.parametrize("coding", [None, "identity", ""])
async def test_json_in_utf_8_is_accepted_under_every_json_type(
    client: httpx.AsyncClient, content_type: str, coding: str | None
) -> None:
    headers = {"Content-Type": content_type} | ({} if coding is None else {"Content-Encoding": coding})
    assert (await client.post("/projects", content=NAMED, headers=headers)).status_code == 201


async def test_a_request_without_a_body_needs_no_content_type(client: httpx.AsyncClient, project_id: str) -> None:
    assert (await client.post(f"/projects/{project_id}/sessions")).status_code == 201


async def test_no_response_is_cached_or_sniffed(client: httpx.AsyncClient, project_id: str, session_id: str) -> None:
    paths = ["/projects", f"/projects/{project_id}", f"/sessions/{session_id}/events", "/health", "/openapi.json"]
    answers = [await client.get(path) for path in (*paths, "/nope", "/projects/x", "/projects?limit=x")]
    answers.append(await client.post("/projects", content=b"{", headers={"Content-Type": "application/json"}))
    answers.append(await client.put("/projects"))
    assert {answer.status_code for answer in answers} == {200, 400, 404, 405, 422}
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.url
        assert answer.headers["x-content-type-options"] == "nosniff", answer.url


@pytest.mark.parametrize("length", [65, 2_049, 10_000])
async def test_an_id_that_is_too_long_for_a_store_is_not_found(client: httpx.AsyncClient, length: int) -> None:
    ids = dict.fromkeys(("project_id", "session_id", "message_id"), "a" * length)
    async with nothing_changes(client):
        for route in ROUTES_OF_AN_ID:
            problem_of(await route.call(client, **ids), 404, route.not_found_code)


async def test_code_may_be_null_beside_its_other_name(client: httpx.AsyncClient) -> None:
    for given in ({"code": None, "current_code": "x = 1"}, {"code": "x = 1", "current_code": None}, {"code": "x = 1"}):
        created = await client.post("/projects", json={"name": "New", **given})
        assert (created.status_code, created.json()["code"]) == (201, "x = 1")
    both = await client.post("/projects", json={"name": "New", "code": "x = 1", "current_code": "x = 2"})
    assert "current_code" in problem_of(both, 422, "invalid_request")["detail"]
