"""Lists end at 4 MB as well as at `limit`, and a field over 32 KB is null in them, with an `href`. All in bytes."""

from urllib.parse import urlencode

import httpx
import pytest

from backend.app.domain.project import CodeVersion, Project, ProjectChange
from backend.app.wiring_local import LocalEngine
from shared.identity import LOCAL_USER
from tests.api.conftest import Json, create_project, get, json_of, send
from tests.api.worker_steps import answer

FIELD = 32_000
PAGE = 4_000_000
# Commas and the fields around the list.
ROUNDING = 10_000
# Just short enough to stay in a list; three bytes a character in the second.
TEXTS = pytest.mark.parametrize("text", ["x" * 31_000, "漢" * 10_333], ids=["ascii", "multi-byte"])


async def all_pages(client: httpx.AsyncClient, path: str, name: str, **query: str) -> list[list[Json]]:
    """The entries of every page of a list with `limit=200`; no page may be over 4 MB."""
    pages: list[list[Json]] = []
    cursor: str | None = ""
    while cursor is not None:
        found = await client.get(
            f"{path}?{urlencode({'limit': 200, **query, **({'cursor': cursor} if cursor else {})})}"
        )
        assert len(found.content) <= PAGE + ROUNDING
        pages.append(json_of(found, 200)[name])
        cursor = found.json()["next_cursor"]
    return pages


@pytest.mark.parametrize("text", ["x" * FIELD, "é" * (FIELD // 2)], ids=["ascii", "multi-byte"])
async def test_a_field_of_32_kb_stays_in_a_list(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, text: str
) -> None:
    message = await send(client, session_id, text)
    await answer(engine, message["message_id"], text, text)
    listed = (await get(client, f"/sessions/{session_id}/messages"))["messages"]
    assert listed == [await get(client, f"/messages/{message['message_id']}")]
    assert [listed[0][name] for name in ("prompt", "content", "patch", "href")] == [text, text, text, None]


@pytest.mark.parametrize("text", ["x" * (FIELD + 1), "é" * (FIELD // 2) + "x"], ids=["ascii", "multi-byte"])
@pytest.mark.parametrize("name", ["content", "patch"])
async def test_a_field_over_32_kb_is_null_in_a_list_and_whole_at_its_href(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, name: str, text: str
) -> None:
    message = await send(client, session_id)
    await answer(engine, message["message_id"], **{"content": "Done", "patch": "a patch", name: text})
    listed = (await get(client, f"/sessions/{session_id}/messages"))["messages"][0]
    whole = await get(client, listed["href"])
    assert whole[name] == text
    assert listed == {**whole, name: None, "href": f"/messages/{message['message_id']}"}


async def test_code_over_32_kb_is_null_in_a_list_and_whole_at_its_href(client: httpx.AsyncClient) -> None:
    project = await create_project(client, code="#" * FIELD + "\n")
    short = await create_project(client, code="#" * FIELD)
    listed = (await get(client, "/projects"))["projects"]
    assert listed == [short, {**project, "code": None, "href": f"/projects/{project['project_id']}"}]
    assert await get(client, listed[1]["href"]) == project


@TEXTS
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_page_of_messages_ends_at_4_mb(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, order: str, text: str
) -> None:
    for _ in range(60):
        message = await send(client, session_id, text)
        await answer(engine, message["message_id"], text, text)
    pages = await all_pages(client, f"/sessions/{session_id}/messages", "messages", order=order)
    numbers = [message["number"] for page in pages for message in page]
    assert numbers == sorted(range(1, 61), reverse=order == "desc")
    assert len(pages) == 2


@TEXTS
async def test_a_page_of_projects_ends_at_4_mb(client: httpx.AsyncClient, engine: LocalEngine, text: str) -> None:
    now, names = engine.clock.now(), [f"Number {number}" for number in range(150)]
    for name in names:
        project = Project(engine.ids.new_id(), name, LOCAL_USER, (), f"#{text}", 1, (), now, now)
        await engine.projects.create_project(project)
    pages = await all_pages(client, "/projects", "projects")
    assert [project["name"] for page in pages for project in page] == names[::-1]
    assert len(pages) == 2


async def test_a_page_of_versions_ends_at_4_mb(client: httpx.AsyncClient, engine: LocalEngine, project_id: str) -> None:
    now = engine.clock.now()
    for number in range(2, 152):
        version = CodeVersion(project_id, number, "", (), None, "x" * 31_000, now)
        await engine.projects.update_project(project_id, ProjectChange(code=version), now)
    pages = await all_pages(client, f"/projects/{project_id}/versions", "versions")
    assert [version["version"] for page in pages for version in page] == list(range(151, 0, -1))
