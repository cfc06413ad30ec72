"""Deleting a session or a project: it disappears immediately for every reader."""

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import Json, create_project, get, json_of, listed, post_message, problem_of, send, start_session
from tests.contract.builders import claim, record_response


async def deleted_session(client: httpx.AsyncClient, engine: LocalEngine, project_id: str) -> tuple[Json, list[Json]]:
    """A session that had a running and a queued message when it was deleted."""
    session = await start_session(client, project_id, "triage")
    messages = [await send(client, session["session_id"]) for _ in range(2)]
    await record_response(engine, await claim(engine, messages[0]["message_id"]))
    answer = await client.delete(f"/sessions/{session['session_id']}")
    assert json_of(answer, 200) == {"session_id": session["session_id"], "deleted": True}
    return session, messages


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/messages"), ("GET", "/events"), ("GET", "/events?after=9"), ("DELETE", "")],
)
async def test_a_deleted_session_is_not_found(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str, method: str, path: str
) -> None:
    session, _ = await deleted_session(client, engine, project_id)
    answer = await client.request(method, f"/sessions/{session['session_id']}{path}")
    problem_of(answer, 404, "session_not_found", session["session_id"])


async def test_a_message_to_a_deleted_session_is_not_found(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str
) -> None:
    session, messages = await deleted_session(client, engine, project_id)
    answer = await post_message(client, session["session_id"])
    problem_of(answer, 404, "session_not_found", session["session_id"])
    answer = await post_message(client, session["session_id"], message_id=messages[0]["message_id"])
    problem_of(answer, 404, "session_not_found", session["session_id"])


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/full"), ("POST", "/cancel")])
async def test_the_messages_of_a_deleted_session_are_not_found(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str, method: str, path: str
) -> None:
    _, messages = await deleted_session(client, engine, project_id)
    for message in messages:
        answer = await client.request(method, f"/messages/{message['message_id']}{path}")
        problem_of(answer, 404, "message_not_found")


async def test_a_deleted_session_is_in_no_list(client: httpx.AsyncClient, engine: LocalEngine, project_id: str) -> None:
    other = await start_session(client, project_id)
    await deleted_session(client, engine, project_id)
    assert (await get(client, f"/projects/{project_id}/sessions"))["sessions"] == [other]


async def test_the_key_of_a_deleted_session_starts_afresh(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str
) -> None:
    old, _ = await deleted_session(client, engine, project_id)
    new = await start_session(client, project_id, "triage")
    assert new["openai_session_key"] == old["openai_session_key"]
    assert new["session_id"] != old["session_id"]
    assert (new["message_count"], new["last_seq"]) == (0, 0)
    assert (await get(client, f"/sessions/{new['session_id']}/events"))["events"] == []
    assert (await send(client, new["session_id"]))["number"] == 1


async def test_the_messages_of_a_deleted_session_do_not_count_as_queued(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    for _ in range(20):
        await send(client, session_id)
    await client.delete(f"/sessions/{session_id}")
    fresh = await start_session(client, project_id)
    assert (await send(client, fresh["session_id"]))["status"] == "queued"


async def test_deleting_a_project_deletes_its_sessions_and_messages(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    other = await create_project(client, "Other")
    message = await send(client, session_id)
    assert json_of(await client.delete(f"/projects/{project_id}"), 200) == {"project_id": project_id, "deleted": True}
    assert (await get(client, "/projects"))["projects"] == [listed(other)]
    for path in (f"/projects/{project_id}", f"/projects/{project_id}/versions", f"/projects/{project_id}/sessions"):
        problem_of(await client.get(path), 404, "project_not_found")
    for path in (f"/sessions/{session_id}", f"/sessions/{session_id}/messages", f"/sessions/{session_id}/events"):
        problem_of(await client.get(path), 404, "session_not_found", session_id)
    for path in (f"/messages/{message['message_id']}", f"/messages/{message['message_id']}/full"):
        problem_of(await client.get(path), 404, "message_not_found")


async def test_nothing_can_be_done_to_a_deleted_project(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    await client.delete(f"/projects/{project_id}")
    problem_of(await client.patch(f"/projects/{project_id}", json={"name": "New"}), 404, "project_not_found")
    problem_of(await client.post(f"/projects/{project_id}/sessions"), 404, "project_not_found")
    problem_of(await client.delete(f"/projects/{project_id}"), 404, "project_not_found")
    problem_of(await post_message(client, session_id), 404, "session_not_found", session_id)
    problem_of(await client.delete(f"/sessions/{session_id}"), 404, "session_not_found", session_id)


async def test_the_open_messages_of_a_deleted_project_are_never_run(
    client: httpx.AsyncClient, engine: LocalEngine, project_id: str, session_id: str
) -> None:
    await send(client, session_id)
    await client.delete(f"/projects/{project_id}")
    assert await engine.turns.find_open_message(session_id) is None
