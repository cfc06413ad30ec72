"""Paged lists: the messages of a session, and the parameters that every list refuses."""

import base64

import httpx
import pytest

from tests.api.conftest import Json, get, problem_of, send, start_session

LISTS = ["/projects", "/projects/{project_id}/versions", "/sessions/{session_id}/messages"]
every_list = pytest.mark.parametrize("path", LISTS)


def encoded(position: bytes) -> str:
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


async def pages_of(client: httpx.AsyncClient, session_id: str, query: str) -> list[Json]:
    """All pages of a session's messages, by their cursors."""
    pages = [await get(client, f"/sessions/{session_id}/messages?{query}")]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append(await get(client, f"/sessions/{session_id}/messages?{query}&cursor={cursor}"))
    return pages


async def test_a_session_without_messages_has_an_empty_list(client: httpx.AsyncClient, session_id: str) -> None:
    assert await get(client, f"/sessions/{session_id}/messages") == {
        "session_id": session_id,
        "messages": [],
        "count": 0,
        "next_cursor": None,
    }


async def test_messages_are_listed_oldest_first_and_as_they_are_read_alone(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    other = await start_session(client, project_id, "triage")
    first = await send(client, session_id, "Make it rain")
    await send(client, other["session_id"], "Elsewhere")
    second = await send(client, session_id, "Make it snow")
    listed = await get(client, f"/sessions/{session_id}/messages")
    assert listed == {"session_id": session_id, "messages": [first, second], "count": 2, "next_cursor": None}
    assert await get(client, f"/messages/{second['message_id']}") == second


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 200])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_pages_of_messages_hold_each_once_in_order(
    client: httpx.AsyncClient, session_id: str, limit: int, order: str
) -> None:
    for _ in range(5):
        await send(client, session_id)
    pages = await pages_of(client, session_id, f"limit={limit}&order={order}")
    numbers = [message["number"] for page in pages for message in page["messages"]]
    assert numbers == ([1, 2, 3, 4, 5] if order == "asc" else [5, 4, 3, 2, 1])
    assert all(len(page["messages"]) == limit for page in pages[:-1])
    assert [page["count"] for page in pages] == [5] * len(pages)
    assert {page["session_id"] for page in pages} == {session_id}


async def test_a_message_sent_between_two_pages_is_on_the_next_one(client: httpx.AsyncClient, session_id: str) -> None:
    for _ in range(3):
        await send(client, session_id)
    first = await get(client, f"/sessions/{session_id}/messages?limit=2")
    await send(client, session_id)
    second = await get(client, f"/sessions/{session_id}/messages?limit=2&cursor={first['next_cursor']}")
    assert [message["number"] for message in second["messages"]] == [3, 4]
    assert (second["count"], second["next_cursor"]) == (4, None)


async def test_a_page_holds_50_messages_where_nothing_is_said(client: httpx.AsyncClient, session_id: str) -> None:
    for _ in range(51):
        message = await send(client, session_id)
        await client.post(f"/messages/{message['message_id']}/cancel")
    assert [len(page["messages"]) for page in await pages_of(client, session_id, "")] == [50, 1]


@every_list
async def test_a_limit_is_1_to_200(client: httpx.AsyncClient, project_id: str, session_id: str, path: str) -> None:
    path = path.format(project_id=project_id, session_id=session_id)
    for limit in ("0", "-1", "201", "abc", "", "1.5", "1e2", "²", "9" * 5_000):
        problem_of(await client.get(path, params={"limit": limit}), 422, "invalid_request")


@every_list
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "made-up",
        "%%%%",
        "AAAA",
        "é☂",
        "\0",
        "=",
        encoded(b"-1"),
        encoded(b"1.5"),
        encoded(b"' OR 1=1"),
        encoded(b"9" * 40),
        encoded("²".encode()),
        encoded(b"\xff\xfe"),
    ],
)
async def test_a_made_up_cursor_is_refused(
    client: httpx.AsyncClient, project_id: str, session_id: str, path: str, cursor: str
) -> None:
    path = path.format(project_id=project_id, session_id=session_id)
    problem_of(await client.get(path, params={"cursor": cursor}), 422, "invalid_cursor")


@every_list
async def test_a_cursor_that_is_longer_than_any_is_refused(
    client: httpx.AsyncClient, project_id: str, session_id: str, path: str
) -> None:
    path = path.format(project_id=project_id, session_id=session_id)
    refused = await client.get(path, params={"cursor": "M" * 5_000})
    assert refused.status_code == 422
    problem_of(refused, 422, refused.json()["code"])


@pytest.mark.parametrize("order", ["", "ASC", "up", "asc,desc"])
async def test_an_order_other_than_asc_or_desc_is_refused(
    client: httpx.AsyncClient, session_id: str, order: str
) -> None:
    answer = await client.get(f"/sessions/{session_id}/messages", params={"order": order})
    problem_of(answer, 422, "invalid_request")
