"""The content of errors: the session, never the input, and no details of a bug."""

from collections.abc import AsyncIterator

import httpx
import pytest

from backend.app.adapters.local.session_store import LocalSessionStore
from backend.app.api.services import Services
from tests.api.conftest import JSON_TYPE, connect, get, nothing_changes, problem_of, send

MAX_BODY = 1_048_576
LONG = "x" * 100_000


def padded(size: int) -> bytes:
    """A valid body of the given size in bytes."""
    return b'{"name": "New"}'.ljust(size)


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    """Sent like this, the length of the body is not announced."""
    for start in range(0, len(content), 50_000):
        yield content[start : start + 50_000]


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/messages", b"{"),
        ("POST", "/messages", b"[]"),
        ("POST", "/messages", b'{"prompt": 1}'),
        ("POST", "/messages", b'{"prompt": "x", "message_id": "x"}'),
        ("POST", "/messages", b'{"prompt": ""}'),
        ("GET", "/messages?limit=0", b""),
        ("GET", "/messages?cursor=x", b""),
        ("GET", "/events?after=-1", b""),
    ],
)
async def test_a_refusal_about_a_session_names_it(
    client: httpx.AsyncClient, session_id: str, method: str, path: str, content: bytes
) -> None:
    refused = await client.request(method, f"/sessions/{session_id}{path}", content=content, headers=JSON_TYPE)
    problem_of(refused, refused.status_code, refused.json()["code"], session_id)


@pytest.mark.parametrize("kind", ["projects", "sessions", "messages"])
async def test_a_refusal_does_not_echo_a_long_id(client: httpx.AsyncClient, kind: str) -> None:
    refused = await client.get(f"/{kind}/{'x' * 5_000}")
    assert refused.status_code == 404
    assert len(refused.content) < 2_000


@pytest.mark.parametrize(
    "body",
    [
        {"name": LONG},
        {"name": "New", LONG: 1},
        {"name": "New", **{f"field_{number}": 1 for number in range(5_000)}},
        {"members": [LONG]},
        {"members": [1] * 5_000},
        {"code": "x = 1", "base_version": LONG},
        {"code": f"x = = '{LONG}'", "base_version": 1},
        {"code": LONG * 3, "base_version": 1},
    ],
    ids=["name", "field", "fields", "member", "members", "base_version", "bad code", "long code"],
)
async def test_a_refusal_does_not_echo_a_long_body(
    client: httpx.AsyncClient, project_id: str, body: dict[str, object]
) -> None:
    async with nothing_changes(client):
        refused = await client.patch(f"/projects/{project_id}", json=body)
        assert refused.status_code in (413, 422)
        assert len(refused.content) < 4_000


@pytest.mark.parametrize("body", [{"prompt": LONG}, {"prompt": "x", "message_id": LONG}, {"prompt": [LONG]}])
async def test_a_refusal_does_not_echo_a_long_message(
    client: httpx.AsyncClient, session_id: str, body: dict[str, object]
) -> None:
    async with nothing_changes(client):
        refused = await client.post(f"/sessions/{session_id}/messages", json=body)
        assert refused.status_code in (413, 422)
        assert len(refused.content) < 4_000


@pytest.mark.parametrize("query", ["limit", "cursor", "order"])
async def test_a_refusal_does_not_echo_a_long_query(client: httpx.AsyncClient, session_id: str, query: str) -> None:
    refused = await client.get(f"/sessions/{session_id}/messages", params={query: "x" * 5_000})
    assert refused.status_code == 422
    assert len(refused.content) < 4_000


async def test_a_body_of_exactly_the_limit_is_accepted(client: httpx.AsyncClient) -> None:
    for content in (padded(MAX_BODY), in_pieces(padded(MAX_BODY))):
        assert (await client.post("/projects", content=content, headers=JSON_TYPE)).status_code == 201


async def test_a_body_that_announces_to_be_too_large_is_refused_unread(client: httpx.AsyncClient) -> None:
    taken: list[bytes] = []

    async def read_once() -> AsyncIterator[bytes]:
        for piece in (b"{", b"}"):
            taken.append(piece)
            yield piece

    async with nothing_changes(client):
        headers = {**JSON_TYPE, "Content-Length": str(MAX_BODY + 1)}
        problem_of(await client.post("/projects", content=read_once(), headers=headers), 413, "body_too_large")
    assert taken == []


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5_000])
async def test_a_body_that_announces_an_absurd_length_is_refused(client: httpx.AsyncClient, length: str) -> None:
    async with nothing_changes(client):
        headers = {**JSON_TYPE, "Content-Length": length}
        problem_of(await client.post("/projects", content=padded(50), headers=headers), 413, "body_too_large")


@pytest.mark.parametrize("size", [MAX_BODY + 1, 5 * MAX_BODY])
async def test_a_body_that_turns_out_to_be_too_large_is_refused(client: httpx.AsyncClient, size: int) -> None:
    async with nothing_changes(client):
        answer = await client.post("/projects", content=in_pieces(padded(size)), headers=JSON_TYPE)
        problem_of(answer, 413, "body_too_large")


async def test_a_bug_in_a_route_is_a_plain_500_without_details(
    services: Services, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_store: LocalSessionStore, _session_id: str) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(LocalSessionStore, "find_session", broken)
    async with connect(services, raise_bugs=False) as client:
        answer = await client.get(f"/sessions/{session_id}")
        assert answer.status_code == 500
        assert len(answer.content) < 1_000
        for word in ("secret", "RuntimeError", "Traceback", ".py", "find_session"):
            assert word not in answer.text
        assert await get(client, "/health")


async def test_the_refusal_of_an_unknown_response_names_the_session(client: httpx.AsyncClient, session_id: str) -> None:
    message = await send(client, session_id)
    answer = await client.get(f"/messages/{message['message_id']}/full?response_id=resp_1")
    problem_of(answer, 404, "response_not_found", session_id)
