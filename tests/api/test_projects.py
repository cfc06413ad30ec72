import httpx

from backend.app.domain.projects.project import STARTER_CODE
from backend.app.wiring_local import LocalEngine
from tests.api.conftest import Json, create_project, get, json_of, listed, nothing_changes, problem_of, send
from tests.api.worker_steps import change_code
from tests.manual_time import ManualClock

PROJECT_FIELDS = {
    *("project_id", "name", "owner", "members", "code", "version", "nodes"),
    *("created_at", "updated_at", "nodes_truncated"),
}
CODE = """
from agents import Agent

billing = Agent(name="Billing", tools=[refund])
triage = Agent(name="Triage", handoffs=[billing])
"""
NODES = [
    {"name": "billing", "handoffs": [], "tools": ["refund"]},
    {"name": "triage", "handoffs": ["billing"], "tools": []},
]


async def edit(client: httpx.AsyncClient, project_id: str, code: str, base_version: int) -> Json:
    answer = await client.patch(f"/projects/{project_id}", json={"code": code, "base_version": base_version})
    return json_of(answer, 200)


async def test_a_project_without_code_starts_with_the_starter_workflow(client: httpx.AsyncClient) -> None:
    project = await create_project(client, "Weather")
    assert set(project) == PROJECT_FIELDS
    assert (project["name"], project["owner"], project["members"]) == ("Weather", "local", [])
    assert (project["code"], project["version"], project["nodes_truncated"]) == (STARTER_CODE, 1, False)
    assert [node["name"] for node in project["nodes"]] == ["assistant"]


async def test_a_project_shows_the_nodes_of_its_code(client: httpx.AsyncClient) -> None:
    project = await create_project(client, code=CODE)
    assert project["code"] == CODE
    assert project["nodes"] == NODES


async def test_current_code_is_another_name_of_code(client: httpx.AsyncClient) -> None:
    assert (await create_project(client, current_code=CODE))["code"] == CODE


async def test_code_under_both_names_is_refused(client: httpx.AsyncClient) -> None:
    async with nothing_changes(client):
        answer = await client.post("/projects", json={"name": "Rain", "code": "a = 1", "current_code": "b = 1"})
        problem_of(answer, 422, "invalid_request")


async def test_empty_code_is_code(client: httpx.AsyncClient) -> None:
    project = await create_project(client, code="")
    assert (project["code"], project["nodes"]) == ("", [])


async def test_code_is_returned_byte_for_byte(client: httpx.AsyncClient) -> None:
    code = "# né ☂ 𝄞\r\nx = '\\ud800'\t\n\n"
    project = await create_project(client, code=code)
    assert (await get(client, f"/projects/{project['project_id']}"))["code"] == code


async def test_the_name_of_a_project_loses_the_blanks_around_it(client: httpx.AsyncClient) -> None:
    assert (await create_project(client, "  Wetter ☂ "))["name"] == "Wetter ☂"


async def test_a_project_is_read_as_it_was_created(client: httpx.AsyncClient) -> None:
    project = await create_project(client, code=CODE)
    assert await get(client, f"/projects/{project['project_id']}") == project


async def test_projects_are_listed_newest_first(client: httpx.AsyncClient) -> None:
    old, new = await create_project(client, "Old"), await create_project(client, "New")
    assert await get(client, "/projects") == {"projects": [listed(new), listed(old)], "next_cursor": None}


async def test_the_pages_of_projects_hold_each_once(client: httpx.AsyncClient) -> None:
    names = [(await create_project(client, f"Number {number}"))["name"] for number in range(5)]
    page = await get(client, "/projects?limit=2")
    found = [page]
    while page["next_cursor"] is not None:
        page = await get(client, f"/projects?limit=2&cursor={page['next_cursor']}")
        found.append(page)
    assert [len(each["projects"]) for each in found] == [2, 2, 1]
    assert [project["name"] for each in found for project in each["projects"]] == names[::-1]


async def test_the_owner_renames_and_shares_a_project(
    client: httpx.AsyncClient, project_id: str, clock: ManualClock
) -> None:
    before = await get(client, f"/projects/{project_id}")
    clock.advance(60)
    update = {"name": "Storm", "members": ["bob", "ann"]}
    after = json_of(await client.patch(f"/projects/{project_id}", json=update), 200)
    assert after == {**before, **update, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    assert await get(client, f"/projects/{project_id}") == after


async def test_a_shared_project_can_be_unshared(client: httpx.AsyncClient, project_id: str) -> None:
    await client.patch(f"/projects/{project_id}", json={"members": ["bob"]})
    assert json_of(await client.patch(f"/projects/{project_id}", json={"members": []}), 200)["members"] == []


async def test_an_edit_by_hand_makes_the_next_version(client: httpx.AsyncClient, project_id: str) -> None:
    project = await edit(client, project_id, CODE, 1)
    assert (project["code"], project["version"], project["nodes"]) == (CODE, 2, NODES)
    assert await get(client, f"/projects/{project_id}") == project


async def test_an_old_version_of_a_project_has_its_own_code_and_nodes(client: httpx.AsyncClient) -> None:
    first = await create_project(client, code=CODE)
    path = f"/projects/{first['project_id']}"
    second = await edit(client, first["project_id"], "x = 1", 1)
    assert await get(client, f"{path}?version=1") == {**first, "updated_at": second["updated_at"]}
    assert await get(client, f"{path}?version=2") == second


async def test_versions_are_listed_newest_first_and_name_their_message(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str, session_id: str
) -> None:
    await edit(client, project_id, "x = 1", 1)
    message = await send(client, session_id)
    await change_code(engine, message["message_id"], "x = 2", 3, "Count higher")
    listed = await get(client, f"/projects/{project_id}/versions")
    assert set(listed) == {"project_id", "versions", "next_cursor"}
    assert (listed["project_id"], listed["next_cursor"]) == (project_id, None)
    assert [set(version) for version in listed["versions"]] == [
        {"version", "message_id", "commit_message", "created_at"}
    ] * 3
    assert [(each["version"], each["message_id"], each["commit_message"]) for each in listed["versions"]] == [
        (3, message["message_id"], "Count higher"),
        (2, None, "Edited by hand"),
        (1, None, "Created"),
    ]


async def test_the_pages_of_versions_hold_each_once(client: httpx.AsyncClient, project_id: str) -> None:
    for base_version in (1, 2):
        await edit(client, project_id, f"x = {base_version}", base_version)
    first = await get(client, f"/projects/{project_id}/versions?limit=2")
    second = await get(client, f"/projects/{project_id}/versions?limit=2&cursor={first['next_cursor']}")
    assert [version["version"] for page in (first, second) for version in page["versions"]] == [3, 2, 1]
    assert second["next_cursor"] is None


async def test_health_needs_nothing(client: httpx.AsyncClient) -> None:
    assert await get(client, "/health") == {"status": "ok", "version": "0.1.0", "engine": "local"}
