"""Lists end at 4 MB as well as at `limit`, and a field over 32 KB is null in them, with an `href`. All in bytes."""

import json
from urllib.parse import urlencode

import httpx
import pytest

from backend.app.domain.projects.project import CodeVersion, Project, ProjectChange
from backend.app.domain.projects.workflow.workflow import MAX_NODES_BYTES
from backend.app.wiring_local import LocalEngine
from shared.identity import LOCAL_USER
from tests.api.conftest import Json, create_project, get, json_of, listed, send
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
async def test_a_field_over_32_kb_is_null_in_a_list_and_complete_at_its_href(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, name: str, text: str
) -> None:
    message = await send(client, session_id)
    await answer(engine, message["message_id"], **{"content": "Done", "patch": "a patch", name: text})
    listed = (await get(client, f"/sessions/{session_id}/messages"))["messages"][0]
    complete = await get(client, listed["href"])
    assert complete[name] == text
    assert listed == {**complete, name: None, "href": f"/messages/{message['message_id']}"}


async def test_a_list_of_projects_holds_neither_code_nor_nodes(client: httpx.AsyncClient) -> None:
    projects = [await create_project(client, code=code) for code in ("", "from agents import Agent\nx = Agent()\n")]
    found = (await get(client, "/projects"))["projects"]
    assert found == [listed(projects[1]), listed(projects[0])]
    assert await get(client, f"/projects/{found[0]['project_id']}") == projects[1]


def _hostile_code() -> str:
    """44 KB of source that name 80 MB of handoffs and tools, in letters of four bytes."""
    names = ",".join(chr(0x20000) * 49 + f"{number:04d}" for number in range(50))
    agents = "".join(f"a{number}=Agent(handoffs=L,tools=L)\n" for number in range(200))
    return f"from agents import Agent\nL=[{names}]\n{agents}"


async def test_every_response_about_a_project_is_bounded_for_any_code(client: httpx.AsyncClient) -> None:
    code = _hostile_code()
    bound = len(code.encode()) + MAX_NODES_BYTES + ROUNDING
    created = await client.post("/projects", json={"name": "Large", "code": code})
    project = json_of(created, 201)
    path = f"/projects/{project['project_id']}"
    patched = await client.patch(path, json={"code": code + "\n", "base_version": 1})
    read, listed_now = await client.get(path), await client.get("/projects?limit=200")
    sizes = [len(answer.content) for answer in (created, patched, read, listed_now)]
    assert max(sizes) <= bound
    assert sizes[-1] < 1_000
    assert project["nodes_truncated"]
    assert [node["name"] for node in project["nodes"]] == [f"a{number}" for number in range(200)]
    assert len(json.dumps(project["nodes"], ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_NODES_BYTES
    first, last = project["nodes"][0], project["nodes"][-1]
    assert (len(first["handoffs"]), set(first)) == (50, {"name", "handoffs", "tools"})
    assert (last["handoffs"], last["handoffs_known"], last["tools_known"]) == ([], False, False)


async def test_a_workflow_of_more_agents_than_are_read_says_so(client: httpx.AsyncClient) -> None:
    code = "from agents import Agent\n" + "".join(f"{'é' * 90}{number} = Agent()\n" for number in range(201))
    project = await create_project(client, code=code)
    assert (len(project["nodes"]), project["nodes_truncated"]) == (200, True)
    starts = [
        await client.post(f"/projects/{project['project_id']}/sessions", json={"node_id": f"{'é' * 90}{number}"})
        for number in (199, 200)
    ]
    assert [json_of(start, 201)["node_exists"] for start in starts] == [True, None]


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


async def test_a_page_of_projects_ends_at_4_mb(client: httpx.AsyncClient, engine: LocalEngine) -> None:
    now, names = engine.clock.now(), [f"Number {number}" for number in range(120)]
    members = tuple(chr(0x20000) * 190 + f"{number:04d}" for number in range(50))
    for name in names:
        project = Project(engine.ids.new_id(), name, LOCAL_USER, members, "", 1, (), now, now)
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
