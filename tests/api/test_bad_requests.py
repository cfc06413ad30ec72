"""Malformed requests: every route refuses them with problem details, and nothing changes."""

import json
import random
from collections.abc import Sequence

import httpx
import pytest

from backend.app.api.application import ALL_ROUTES
from tests.api.conftest import JSON_TYPE, RESPOND_ASYNC, get, nothing_changes, problem_of
from tests.api.routes import Route

SEED = 20261127
BODY_ROUTES = [Route(one.method, one.path, one.example) for one in ALL_ROUTES if one.example is not None]
NEEDY_ROUTES = [route for route in BODY_ROUTES if not route.path.endswith("sessions")]


async def answers_of(
    client: httpx.AsyncClient,
    known: dict[str, str],
    content: bytes | None,
    content_type: str | None = "application/json",
    routes: Sequence[Route] = BODY_ROUTES,
) -> list[httpx.Response]:
    """What each route answers to a body; None: to the body that is right for it. Nothing may change."""
    headers = RESPOND_ASYNC if content_type is None else {**RESPOND_ASYNC, "Content-Type": content_type}
    async with nothing_changes(client):
        return [
            await client.request(
                route.method,
                route.path.format(**known),
                content=json.dumps(route.body).encode() if content is None else content,
                headers=headers,
            )
            for route in routes
        ]


@pytest.mark.parametrize(
    "content",
    [b"{", b"}", b'{"name": }', b"{'name': 'New'}", b'{"name": "x"} {}', b"\xff\xfe\xfa", b"\0", b"nul", b'"'],
)
async def test_a_body_that_is_not_json_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], content: bytes
) -> None:
    for refused in await answers_of(client, known, content):
        problem_of(refused, 400, "malformed_json")


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"name":' * 100_000, b'{"base_version":' + b"9" * 5_000 + b"}"],
    ids=["lists", "objects", "number"],
)
async def test_a_body_that_overloads_json_parsers_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], content: bytes
) -> None:
    for refused in await answers_of(client, known, content):
        problem_of(refused, 400, "malformed_json")


_MANY = 1_001


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": [' + b"[]," * _MANY + b"1]}",
        b'{"name": [' + b"[[]]," * _MANY + b"1]}",
        json.dumps(dict.fromkeys(map(str, range(_MANY + 1)), "\\")).encode(),
        b'{"name": [' + b'"",' * _MANY + b'""]}',
        b'{"name": "' + rb"\\\"" * 10 + b'", "members": [' + b"1," * _MANY + b"1]}",
        b'{"name": [' + b"1e9," * _MANY,
    ],
    ids=["lists", "lists in lists", "fields", "texts", "after quotes", "not ended"],
)
async def test_a_body_with_too_many_values_is_refused_before_it_is_parsed(
    client: httpx.AsyncClient, known: dict[str, str], content: bytes
) -> None:
    for refused in await answers_of(client, known, content):
        problem = problem_of(refused, 413, "body_too_large")
        assert problem["detail"] == "The body may have at most 1000 JSON values."


@pytest.mark.parametrize("piece", [b"[" * 501 + b"]" * 501, b'{"x":' * 501 + b"1" + b"}" * 501])
async def test_a_body_of_nested_lists_is_refused_before_it_is_parsed(
    client: httpx.AsyncClient, known: dict[str, str], piece: bytes
) -> None:
    for refused in await answers_of(client, known, b'{"name": [' + piece + b"," + piece + b"]}"):
        assert "1000 JSON lists and objects" in problem_of(refused, 400, "malformed_json")["detail"]


async def test_commas_and_brackets_in_strings_are_not_counted(client: httpx.AsyncClient) -> None:
    dice = random.Random(SEED)
    print("seed", SEED)
    for _ in range(50):
        code = "# " + "".join(dice.choices(['"', "\\", ",", "[", "{", "a", "é"], k=20_000))
        created = await client.post("/projects", content=json.dumps({"name": "New", "code": code}), headers=JSON_TYPE)
        assert (created.status_code, created.json()["code"]) == (201, code)


async def test_a_body_with_nearly_the_maximum_of_values_is_accepted(client: httpx.AsyncClient, project_id: str) -> None:
    content = json.dumps({"members": ["ann", "ben"] * 495}).encode()
    changed = await client.patch(f"/projects/{project_id}", content=content, headers=JSON_TYPE)
    assert (changed.status_code, changed.json()["members"]) == (200, ["ann", "ben"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_json_in_another_encoding_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], encoding: str
) -> None:
    for route in BODY_ROUTES:
        (refused,) = await answers_of(client, known, json.dumps(route.body).encode(encoding), routes=[route])
        assert "UTF-8" in problem_of(refused, 400, "malformed_json")["detail"]


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"1", b"1.5", b"true", b'[{"name": "New"}]', b'""', b"NaN"])
async def test_a_body_that_is_not_an_object_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], content: bytes
) -> None:
    for refused in await answers_of(client, known, content):
        problem_of(refused, 422, "invalid_request")


@pytest.mark.parametrize("content", [b"", b"null"])
async def test_a_body_that_is_missing_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], content: bytes
) -> None:
    for refused in await answers_of(client, known, content, routes=NEEDY_ROUTES):
        problem_of(refused, 422, "invalid_request")


@pytest.mark.parametrize("field", ["owner", "Name", "", "__proto__", "session_id", "\ud800", "é" * 50])
async def test_a_field_that_does_not_exist_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], field: str
) -> None:
    for route in BODY_ROUTES:
        content = json.dumps({**(route.body or {}), field: "x"}).encode()
        (refused,) = await answers_of(client, known, content, routes=[route])
        problem_of(refused, 422, "invalid_request")


@pytest.mark.parametrize("value", [1, True, [], {}, ["x"], 1.5])
async def test_a_field_of_the_wrong_type_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], value: object
) -> None:
    for route in BODY_ROUTES:
        content = json.dumps(dict.fromkeys(route.body or {}, value)).encode()
        (refused,) = await answers_of(client, known, content, routes=[route])
        problem_of(refused, 422, "invalid_request")


async def test_the_last_value_of_a_repeated_field_is_used(client: httpx.AsyncClient) -> None:
    """RFC 8259 does not say; JSON.parse and Python do the same."""
    await client.post("/projects", content=b'{"name": "First", "name": "Last"}', headers=JSON_TYPE)
    assert [project["name"] for project in (await get(client, "/projects"))["projects"]] == ["Last"]


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", "x"],
)
async def test_a_body_of_another_content_type_is_refused(
    client: httpx.AsyncClient, known: dict[str, str], content_type: str | None
) -> None:
    for refused in await answers_of(client, known, None, content_type):
        problem_of(refused, 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_every_json_content_type_is_accepted(client: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = await client.post("/projects", content='{"name": "Né ☂"}'.encode(), headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (201, "Né ☂")
