import asyncio

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import (
    create_project,
    get,
    json_of,
    nothing_changes,
    post_escaped,
    problem_of,
    send,
    start_session,
)
from tests.contract.builders import claim, complete, record_response

SESSION_FIELDS = {
    *("session_id", "project_id", "session_type", "node_id", "node_exists", "openai_session_key"),
    *("message_count", "last_seq", "token_usage", "created_at"),
}
NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0}


async def test_a_new_session_is_about_the_project(client: httpx.AsyncClient, project_id: str) -> None:
    session = json_of(await client.post(f"/projects/{project_id}/sessions"), 201)
    assert set(session) == SESSION_FIELDS
    assert (session["project_id"], session["session_type"], session["node_id"]) == (project_id, "global", None)
    assert session["openai_session_key"] == f"project_{project_id}"
    assert (session["message_count"], session["last_seq"], session["token_usage"]) == (0, 0, NO_TOKENS)


async def test_a_session_about_a_node_has_its_own_key(client: httpx.AsyncClient, project_id: str) -> None:
    session = await start_session(client, project_id, "triage")
    assert (session["session_type"], session["node_id"]) == ("node", "triage")
    assert session["openai_session_key"] == f"project_{project_id}_node_triage"


@pytest.mark.parametrize("body", [None, {}, {"node_id": None}, {"node_id": "triage"}])
async def test_starting_a_session_again_retrieves_the_one_that_exists(
    client: httpx.AsyncClient, project_id: str, body: dict[str, str | None] | None
) -> None:
    session = json_of(await client.post(f"/projects/{project_id}/sessions", json=body), 201)
    await send(client, session["session_id"])
    again = json_of(await client.post(f"/projects/{project_id}/sessions", json=body), 200)
    assert again == {**session, "message_count": 1}


async def test_a_session_started_many_times_concurrently_is_one(client: httpx.AsyncClient, project_id: str) -> None:
    starts = (client.post(f"/projects/{project_id}/sessions", json={"node_id": "triage"}) for _ in range(5))
    answers = await asyncio.gather(*starts)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json()["session_id"] for answer in answers}) == 1


async def test_sessions_of_a_project_are_listed_oldest_first(client: httpx.AsyncClient, project_id: str) -> None:
    other = await create_project(client, "Other")
    first = await start_session(client, project_id, "triage")
    await start_session(client, other["project_id"])
    second = await start_session(client, project_id)
    assert await get(client, f"/projects/{project_id}/sessions") == {
        "project_id": project_id,
        "sessions": [first, second],
        "next_cursor": None,
    }
    page = await get(client, f"/projects/{project_id}/sessions?limit=1")
    assert page["sessions"] == [first]
    rest = await get(client, f"/projects/{project_id}/sessions?cursor={page['next_cursor']}")
    assert (rest["sessions"], rest["next_cursor"]) == ([second], None)


async def test_a_session_counts_its_messages_events_and_tokens(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    turn = await claim(engine, message["message_id"])
    await record_response(engine, turn)
    await complete(engine, turn)
    session = await get(client, f"/sessions/{session_id}")
    assert set(session) == SESSION_FIELDS
    assert (session["message_count"], session["last_seq"]) == (1, 2)
    assert session["token_usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cached_tokens": 4,
        "reasoning_tokens": 2,
    }


@pytest.mark.parametrize("node_id", ["a", "A-b_c.9", "n" * 200, "é" * 100, "9", "a..b", "no_such_node", "shop.billing"])
async def test_a_node_needs_only_a_valid_name(client: httpx.AsyncClient, project_id: str, node_id: str) -> None:
    session = await start_session(client, project_id, node_id)
    assert (session["node_id"], session["node_exists"]) == (node_id, False)


AGENT_NAMES = [
    *(
        "_t",
        "__",
        "_9",
        "café",
        "cafe\N{COMBINING ACUTE ACCENT}",
        "\N{LATIN SMALL LIGATURE FI}sh",
        "\N{BLACK-LETTER CAPITAL H}",
        "℘",
        "ªb",
    ),
    *(
        "a" * 65,
        "a" * 200,
        "é" * 100,
        "हिन्दी",
        "日本語",
        "агент",
        "ไทย",
        "x\N{MIDDLE DOT}y",
        "\N{MATHEMATICAL SCRIPT CAPITAL X}",
        "Agent",
        "match",
        "\N{FULLWIDTH LATIN CAPITAL LETTER A}",
    ),
]


@pytest.mark.parametrize("name", AGENT_NAMES)
async def test_every_node_of_the_graph_can_have_a_session(client: httpx.AsyncClient, name: str) -> None:
    project = await create_project(client, code=f"from agents import Agent as A\n{name} = A(name='X')\n")
    (node,) = project["nodes"]
    session = await start_session(client, project["project_id"], node["name"])
    assert (session["node_id"], session["node_exists"]) == (node["name"], True)
    # The same name in another Unicode form is the same agent, as in Python.
    again = await client.post(f"/projects/{project['project_id']}/sessions", json={"node_id": name})
    assert json_of(again, 200) == session


@pytest.mark.parametrize("name", ["a" * 201, "é" * 101, "agent_" + "語" * 70])
async def test_an_agent_whose_name_no_session_can_have_is_not_drawn(client: httpx.AsyncClient, name: str) -> None:
    code = f"from agents import Agent\n{name} = Agent()\nx = Agent(handoffs=[{name}], tools=[{name}.as_tool()])\n"
    project = await create_project(client, code=code)
    assert [(node["name"], node["handoffs"], node["tools"]) for node in project["nodes"]] == [("x", [], [])]
    answer = await client.post(f"/projects/{project['project_id']}/sessions", json={"node_id": name})
    problem_of(answer, 422, "invalid_node_id")


async def test_names_that_look_alike_are_different_nodes(client: httpx.AsyncClient) -> None:
    code = "from agents import Agent\na = Agent()\n\N{CYRILLIC SMALL LETTER A} = Agent()\nA = Agent()\n"
    project = await create_project(client, code=code)
    sessions = [await start_session(client, project["project_id"], node["name"]) for node in project["nodes"]]
    assert len({session["session_id"] for session in sessions}) == 3
    assert len({session["openai_session_key"] for session in sessions}) == 3


async def test_a_session_says_whether_its_agent_is_in_the_code_now(client: httpx.AsyncClient) -> None:
    project = await create_project(client, code="from agents import Agent\nbilling = Agent()\n")
    path = f"/projects/{project['project_id']}"
    started = [await start_session(client, project["project_id"], node) for node in ("billing", "triage", None)]
    assert [session["node_exists"] for session in started] == [True, False, None]
    code = "from agents import Agent\ntriage = Agent()\n"
    json_of(await client.patch(path, json={"code": code, "base_version": 1}), 200)
    listed = (await get(client, f"{path}/sessions"))["sessions"]
    assert [session["node_exists"] for session in listed] == [False, True, None]
    for session in listed:
        assert await get(client, f"/sessions/{session['session_id']}") == session
    again = await client.post(f"{path}/sessions", json={"node_id": "triage"})
    assert json_of(again, 200)["node_exists"] is True


@pytest.mark.parametrize(
    "node_id",
    [
        "../x",
        "a/b",
        "a\\b",
        "..",
        ".",
        "",
        " x",
        "x ",
        "x\n",
        "n" * 201,
        "é" * 101,
        "-x",
        ".x",
        "x\0",
        "%2e",
        "a:b",
        "\u202ex",
        "x\u200b",
        "\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
async def test_a_node_id_that_could_not_be_a_file_name_is_refused(
    client: httpx.AsyncClient, project_id: str, node_id: str
) -> None:
    async with nothing_changes(client):
        answer = await post_escaped(client, f"/projects/{project_id}/sessions", {"node_id": node_id})
        problem_of(answer, 422, "invalid_node_id")


@pytest.mark.parametrize("node_id", [1, True, ["triage"], {"name": "triage"}, "\ud800"])
async def test_a_node_id_that_is_no_text_is_refused(
    client: httpx.AsyncClient, project_id: str, node_id: object
) -> None:
    async with nothing_changes(client):
        answer = await post_escaped(client, f"/projects/{project_id}/sessions", {"node_id": node_id})
        problem_of(answer, 422, "invalid_request")
