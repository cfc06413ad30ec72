"""The request this product began with: its three tests, and one for each of its acceptance lines, on both engines.

Over real HTTP and a real python-socketio client against started servers: `make run`'s one process, and every function
and the relay as processes of their own with moto in the place of AWS. The model is the demo model, behind the real
OpenAI client and Agents SDK.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.place import Place, aws_place
from tests.sending import send_to_its_end
from tests.watcher import Watcher


@pytest.fixture(scope="module", params=["local", pytest.param("aws", marks=pytest.mark.end_to_end)])
def place(request: pytest.FixtureRequest, demo_model_url: str) -> Iterator[Place]:
    if request.param == "local":
        url = request.getfixturevalue("server_url")
        yield Place(url, url)
        return
    with aws_place(demo_model_url) as place:
        yield place


@pytest.fixture
async def http(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=place.api_url, headers=place.headers, timeout=60) as client:
        yield client


@pytest.fixture
async def watcher(place: Place) -> AsyncIterator[Watcher]:
    async with Watcher(place.relay_url, auth=place.auth) as watcher:
        yield watcher


async def send(http: httpx.AsyncClient, session_id: str, prompt: str) -> dict[str, Any]:
    message = await send_to_its_end(http, session_id, prompt)
    assert message["status"] == "completed", message
    return message


async def start_session(http: httpx.AsyncClient, project_id: str, node_id: str | None = None) -> dict[str, Any]:
    answer = await http.post(f"/projects/{project_id}/sessions", json={"node_id": node_id})
    session: dict[str, Any] = answer.json()
    return session


# The three expected tests of the request.


async def test_session_with_socket_streaming(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    assert (await watcher.subscribe(project_id))["ok"] is True
    message = await send(http, session_id, "Create a triage agent")
    usage = (await watcher.wait_for("token_usage"))[0]
    answer = (await watcher.wait_for("vibecode_response"))[0]
    assert usage["session_id"] == answer["session_id"] == message["session_id"] == session_id
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"] > 0
    assert answer["patch"] == message["patch"]
    assert "+triage_agent = Agent(" in answer["patch"]


async def test_session_persistence(http: httpx.AsyncClient, session_id: str) -> None:
    first = await send(http, session_id, "Create a triage agent")
    second = await send(http, session_id, "Make it Spanish")
    assert first["session_id"] == second["session_id"] == session_id
    listed = (await http.get(f"/sessions/{session_id}/messages")).json()
    assert listed["count"] == 2
    assert [message["prompt"] for message in listed["messages"]] == ["Create a triage agent", "Make it Spanish"]
    # Only the conversation says what "it" is.
    assert "triage" in second["content"].lower()
    assert "Spanish" in second["patch"]


async def test_full_response_storage(http: httpx.AsyncClient, session_id: str) -> None:
    message = await send(http, session_id, "Create a triage agent")
    full = (await http.get(f"/messages/{message['message_id']}/full")).json()
    assert full["session_id"] == session_id
    assert full["model"] == message["model"]
    assert full["usage"] == message["token_usage"]
    assert [call["name"] for call in full["tool_calls"]] == ["submit_patch"]


# The acceptance lines.


async def test_sessions_link_to_the_sqlite_session_by_openai_session_key(
    http: httpx.AsyncClient, project_id: str
) -> None:
    session = await start_session(http, project_id)
    assert session["openai_session_key"] == f"project_{project_id}"
    assert session["session_type"] == "global"
    node = await start_session(http, project_id, "triage_agent")
    assert node["openai_session_key"] == f"project_{project_id}_node_triage_agent"
    assert node["session_type"] == "node"
    again = await http.post(f"/projects/{project_id}/sessions", json={})
    assert again.status_code == 200
    assert again.json()["session_id"] == session["session_id"]


async def test_multiple_messages_maintain_conversation_context(
    http: httpx.AsyncClient, demo_model_url: str, session_id: str
) -> None:
    await send(http, session_id, "Create a triage agent")
    await send(http, session_id, "Create a billing agent")
    await send(http, session_id, "Make it French")
    request = (await http.get(f"{demo_model_url.removesuffix('/v1')}/requests/last")).json()
    assert request is not None
    versions = (await http.get(f"/sessions/{session_id}/messages?order=desc&limit=1")).json()["messages"]
    assert "billing" in versions[0]["content"].lower()


async def test_node_specific_sessions_are_isolated_from_the_global_one(
    http: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    await send(http, session_id, "Create a triage agent")
    await send(http, session_id, "Create a billing agent")
    triage = await start_session(http, project_id, "triage_agent")
    message = await send(http, triage["session_id"], "Make it Spanish")
    # In this conversation "it" is the node; the global one, where billing came last, is not known here.
    assert "triage" in message["content"].lower()
    project = (await http.get(f"/projects/{project_id}")).json()
    triage_source, billing_source = project["code"].split("billing_agent = Agent(")
    assert "Spanish" in triage_source
    assert "Spanish" not in billing_source


async def test_the_full_openai_response_is_stored_as_json(http: httpx.AsyncClient, session_id: str) -> None:
    message = await send(http, session_id, "Create a triage agent")
    full = (await http.get(f"/messages/{message['message_id']}/full")).json()
    responses = full["openai_response"]["responses"]
    assert [(one["agent"], one["iteration"], one["attempt"]) for one in responses] == [
        ("vibecoder", 1, 1),
        ("vibecoder", 1, 1),
        ("evaluator", 1, 1),
    ]
    for one in responses:
        assert one["response"]["object"] == "response"
        assert one["response"]["id"] == one["response_id"]
        assert one["response"]["output"]
    assert sum(one["usage"]["total_tokens"] for one in responses) == full["usage"]["total_tokens"]


async def test_the_session_id_is_in_every_response(http: httpx.AsyncClient, project_id: str, session_id: str) -> None:
    message = await send(http, session_id, "Which agents are there?")
    paths = [
        f"/sessions/{session_id}",
        f"/sessions/{session_id}/messages",
        f"/sessions/{session_id}/events",
        f"/messages/{message['message_id']}",
        f"/messages/{message['message_id']}/full",
    ]
    answers = [(await http.get(path)).json() for path in paths]
    answers.append((await http.get(f"/projects/{project_id}/sessions")).json()["sessions"][0])
    answers.append((await http.post(f"/messages/{message['message_id']}/cancel")).json())
    answers.append((await http.post(f"/sessions/{session_id}/messages", json={"prompt": " "})).json())
    answers.append((await http.delete(f"/sessions/{session_id}")).json())
    assert [answer.get("session_id") for answer in answers] == [session_id] * len(answers)


async def test_token_usage_is_streamed_as_token_usage_events(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    await watcher.subscribe(project_id)
    message = await send(http, session_id, "Create a triage agent")
    await watcher.wait_for("vibecode_response")
    events = watcher.received("token_usage")
    assert [(event["agent"], event["iteration"]) for event in events] == [
        ("vibecoder", 1),
        ("vibecoder", 1),
        ("evaluator", 1),
    ]
    assert all(event["model"] and event["response_id"] for event in events)
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert sum(event[name] for event in events) == message["token_usage"][name]
    # Each is sent when its response ends, not all at the end.
    names = [event["type"] for event in watcher.logged()]
    assert names.index("token_usage") < names.index("agent_iteration") < names.index("vibecode_response")


async def test_vibecode_responses_are_broadcast(
    http: httpx.AsyncClient, place: Place, project_id: str, session_id: str
) -> None:
    one, two = (Watcher(place.relay_url, transports=(name,), auth=place.auth) for name in ("websocket", "polling"))
    async with one, two:
        await one.subscribe(project_id)
        await two.subscribe(project_id)
        message = await send(http, session_id, "Create a triage agent")
        received = [await one.wait_for("vibecode_response"), await two.wait_for("vibecode_response")]
    assert received[0] == received[1]
    assert len(received[0]) == 1
    answer = received[0][0]
    for name in ("message_id", "content", "patch", "token_usage", "iterations", "base_version", "version"):
        assert answer[name] == message[name]


async def test_every_agent_iteration_is_sent_in_real_time(
    http: httpx.AsyncClient, watcher: Watcher, project_id: str, session_id: str
) -> None:
    await watcher.subscribe(project_id)
    message = await send(http, session_id, "Create a triage agent, but reject once")
    await watcher.wait_for("vibecode_response")
    iterations = [
        (event["agent"], event["iteration"], event["approved"]) for event in watcher.received("agent_iteration")
    ]
    assert iterations == [
        ("vibecoder", 1, None),
        ("evaluator", 1, False),
        ("vibecoder", 2, None),
        ("evaluator", 2, True),
    ]
    assert message["iterations"] == 2
    assert watcher.received("text_delta")
    assert [event["seq"] for event in watcher.logged()] == list(range(1, len(watcher.logged()) + 1))
