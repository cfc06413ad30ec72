"""Refused changes of projects: nothing changes."""

import asyncio

import httpx
import pytest

from tests.api.conftest import create_project, get, nothing_changes, post_escaped, problem_of

NAMES = ["", "   ", "\u2003\u3000", "n" * 201, "\ud800"]
# Each is refused as code of a new project and as an edit.
BAD_CODE = [
    ("def", 422, "invalid_code"),
    ("x = '\0'", 422, "invalid_code"),
    ("x = '\ud800'", 422, "invalid_request"),
    ("(" * 5_000 + ")" * 5_000, 422, "invalid_code"),
    ("-" * 100_000 + "1", 422, "invalid_code"),
    ("f'{" * 5_000, 422, "invalid_code"),
    ("a;" * 131_072, 422, "invalid_code"),
    ("\n" * 262_144, 422, "invalid_code"),
    ("x = 1\n" * 100_000, 413, "code_too_large"),  # 600 KB
    ("#" + "é" * 131_072, 413, "code_too_large"),  # one byte too many
]
bad_code = pytest.mark.parametrize(
    ("code", "status", "problem_code"), BAD_CODE, ids=[f"{code[:4]!a}-{len(code)}" for code, _, _ in BAD_CODE]
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_project_needs_a_name_of_1_to_200_characters(client: httpx.AsyncClient, name: str) -> None:
    project = await create_project(client)
    async with nothing_changes(client):
        problem_of(await post_escaped(client, "/projects", {"name": name}), 422, "invalid_request")
        answer = await post_escaped(client, f"/projects/{project['project_id']}", {"name": name}, "PATCH")
        problem_of(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    "code", [0x00, 0x07, 0x0A, 0x1B, 0x1F, 0x7F, 0x85, 0x9B, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069], ids=hex
)
async def test_a_name_with_control_or_direction_characters_is_refused(client: httpx.AsyncClient, code: int) -> None:
    project = await create_project(client)
    async with nothing_changes(client):
        for method, path in (("POST", "/projects"), ("PATCH", f"/projects/{project['project_id']}")):
            answer = await post_escaped(client, path, {"name": f"My {chr(code)}team"}, method)
            problem = problem_of(answer, 422, "invalid_request")
            assert f"U+{code:04X} (character 4)" in problem["detail"]
            assert chr(code) not in problem["detail"]


@pytest.mark.parametrize(
    "name", ["👩\u200d🔬 lab", "❤\ufe0f", "نی\u200cک", "שלום\u200f!", "مكتب", "क्\u200dष", "a\u00a0b", " team\n"]
)
async def test_a_name_in_any_script_is_accepted(client: httpx.AsyncClient, name: str) -> None:
    assert (await create_project(client, name))["name"] == name.strip()


async def test_a_name_of_200_characters_is_accepted(client: httpx.AsyncClient) -> None:
    assert (await create_project(client, "☂" * 200))["name"] == "☂" * 200


@bad_code
async def test_bad_code_makes_no_project(client: httpx.AsyncClient, code: str, status: int, problem_code: str) -> None:
    async with nothing_changes(client):
        problem_of(await post_escaped(client, "/projects", {"name": "Bad", "code": code}), status, problem_code)


@bad_code
async def test_bad_code_makes_no_version(
    client: httpx.AsyncClient, project_id: str, code: str, status: int, problem_code: str
) -> None:
    async with nothing_changes(client):
        update = {"name": "New", "code": code, "base_version": 1}
        answer = await post_escaped(client, f"/projects/{project_id}", update, "PATCH")
        problem_of(answer, status, problem_code)


async def test_code_of_exactly_256_kib_is_accepted(client: httpx.AsyncClient) -> None:
    code = "#" + "é" * 131_071 + "\n"
    assert len(code.encode()) == 256 * 1024
    assert (await create_project(client, code=code))["code"] == code


async def test_the_refusal_of_code_names_the_line_and_quotes_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/projects", json={"name": "Bad", "code": "x = 1\nsecret = = 'hush'"})
    problem = problem_of(answer, 422, "invalid_code")
    assert "line 2" in problem["detail"]
    assert "hush" not in answer.text


@pytest.mark.parametrize("base_version", [1, 3, 2**53])
async def test_an_edit_of_another_version_than_the_current_one_is_stale(
    client: httpx.AsyncClient, project_id: str, base_version: int
) -> None:
    path = f"/projects/{project_id}"
    await client.patch(path, json={"code": "x = 1", "base_version": 1})
    async with nothing_changes(client):
        update = {"name": "New", "members": ["bob"], "code": "x = 2", "base_version": base_version}
        assert "version 2" in problem_of(await client.patch(path, json=update), 409, "stale_version")["detail"]


async def test_of_two_concurrent_edits_one_is_stale(client: httpx.AsyncClient, project_id: str) -> None:
    edits = (
        client.patch(f"/projects/{project_id}", json={"code": f"x = {number}", "base_version": 1}) for number in (1, 2)
    )
    answers = sorted(await asyncio.gather(*edits), key=lambda answer: answer.status_code)
    problem_of(answers[1], 409, "stale_version")
    assert await get(client, f"/projects/{project_id}") == answers[0].json()


async def test_code_without_its_base_version_is_refused(client: httpx.AsyncClient, project_id: str) -> None:
    async with nothing_changes(client):
        answer = await client.patch(f"/projects/{project_id}", json={"name": "New", "code": "x = 1"})
        assert "base_version" in problem_of(answer, 422, "invalid_input")["detail"]


@pytest.mark.parametrize("base_version", [0, -1, 2**53 + 1, 1.5, "one", "1", True, [1]])
async def test_a_base_version_that_is_no_version_number_is_refused(
    client: httpx.AsyncClient, project_id: str, base_version: object
) -> None:
    async with nothing_changes(client):
        update = {"code": "x = 1", "base_version": base_version}
        problem_of(await client.patch(f"/projects/{project_id}", json=update), 422, "invalid_request")


async def test_a_project_is_not_shared_with_51_members(client: httpx.AsyncClient, project_id: str) -> None:
    async with nothing_changes(client):
        update = {"name": "New", "members": [f"user-{number}" for number in range(51)]}
        problem_of(await client.patch(f"/projects/{project_id}", json=update), 422, "too_many_members")


async def test_the_owner_and_those_named_twice_do_not_count_as_members(
    client: httpx.AsyncClient, project_id: str
) -> None:
    members = [f"user-{number}" for number in range(50)]
    answer = await client.patch(f"/projects/{project_id}", json={"members": [*members, "local", *members]})
    assert answer.status_code == 200
    assert (await get(client, f"/projects/{project_id}"))["members"] == members


@pytest.mark.parametrize(
    "members",
    ["bob", [1], [None], [""], ["u" * 201], ["\ud800"], ["a\n"], ["\x00"], ["   "], ["\u202ebob"], {"bob": 1}],
)
async def test_members_are_a_list_of_user_names(client: httpx.AsyncClient, project_id: str, members: object) -> None:
    async with nothing_changes(client):
        answer = await post_escaped(client, f"/projects/{project_id}", {"members": members}, "PATCH")
        problem_of(answer, 422, "invalid_request")


@pytest.mark.parametrize("version", ["2", str(2**53)])
async def test_a_version_that_does_not_exist_is_not_found(
    client: httpx.AsyncClient, project_id: str, version: str
) -> None:
    problem_of(await client.get(f"/projects/{project_id}?version={version}"), 404, "version_not_found")


@pytest.mark.parametrize("version", ["0", "-1", "abc", "", "1.5", str(2**60), "9" * 5000])
async def test_a_version_that_cannot_exist_is_refused(client: httpx.AsyncClient, project_id: str, version: str) -> None:
    problem_of(await client.get(f"/projects/{project_id}?version={version}"), 422, "invalid_request")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1," * 131_072, "more than 120,000 words and signs; remove generated or repeated parts"),
        ("x = 1\n" * 30_001, "more than 30,000 lines; shorten it"),
    ],
)
async def test_a_flood_of_messages_is_refused_with_advice(client: httpx.AsyncClient, code: str, reason: str) -> None:
    refused = await client.post("/projects", json={"name": "Flood", "code": code})
    assert reason in problem_of(refused, 422, "invalid_code")["detail"]


async def test_code_keeps_its_byte_order_mark(client: httpx.AsyncClient) -> None:
    code = '\ufefffrom agents import Agent\r\n\r\nhelper = Agent(name="Helper")\r\n'
    project = await create_project(client, code=code)
    assert (project["code"], [node["name"] for node in project["nodes"]]) == (code, ["helper"])
    edited = code.replace("Helper", "Aide")
    update = {"code": edited, "base_version": 1}
    assert (await client.patch(f"/projects/{project['project_id']}", json=update)).status_code == 200
    assert (await get(client, f"/projects/{project['project_id']}"))["code"] == edited
