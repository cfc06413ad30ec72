"""Sending a message: it is queued, and can be read while it waits, runs and when it has ended."""

import httpx

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import (
    get,
    json_of,
    post_message,
    send,
    start_session,
)
from tests.api.worker_steps import change_code
from tests.contract.builders import claim, fail, record_response

MESSAGE_FIELDS = {
    *("message_id", "session_id", "project_id", "number", "prompt", "status", "content", "patch", "base_version"),
    *("version", "token_usage", "model", "iterations", "attempt", "error", "created_at", "completed_at", "href"),
}


async def test_a_message_is_queued_and_can_be_read_where_location_says(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    accepted = await post_message(client, session_id, "Make it rain ☂")
    message = json_of(accepted, 202)
    assert set(message) == MESSAGE_FIELDS
    assert (message["session_id"], message["project_id"], message["number"]) == (session_id, project_id, 1)
    assert (message["prompt"], message["status"], message["attempt"]) == ("Make it rain ☂", "queued", 0)
    for name in ("content", "patch", "base_version", "version", "model", "error", "completed_at", "href"):
        assert message[name] is None
    assert accepted.headers["location"] == f"/messages/{message['message_id']}"
    assert await get(client, accepted.headers["location"]) == message


async def test_messages_are_numbered_as_they_were_accepted(client: httpx.AsyncClient, project_id: str) -> None:
    first, second = await start_session(client, project_id), await start_session(client, project_id, "triage")
    sent = [await send(client, session["session_id"]) for session in (first, first, second, first)]
    assert [message["number"] for message in sent] == [1, 2, 1, 3]


async def test_a_message_enqueues_a_turn_notification(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    received = await engine.queue.receive(60)
    assert received.notification.session_id == session_id
    assert received.notification.message_id == message["message_id"]


async def test_a_running_message_says_so(client: httpx.AsyncClient, engine: LocalEngine, session_id: str) -> None:
    message = await send(client, session_id)
    await claim(engine, message["message_id"])
    running = await get(client, f"/messages/{message['message_id']}")
    assert running == {**message, "status": "running", "attempt": 1}


async def test_a_completed_message_has_its_answer(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    await change_code(engine, message["message_id"], "x = 1", 2)
    completed = await get(client, f"/messages/{message['message_id']}")
    assert set(completed) == MESSAGE_FIELDS
    assert (completed["status"], completed["content"], completed["patch"]) == ("completed", "Done", "a patch")
    assert (completed["base_version"], completed["version"], completed["iterations"]) == (1, 2, 2)
    assert completed["completed_at"] is not None
    assert completed["error"] is None


async def test_a_failed_message_has_its_error_and_token_usage(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    turn = await claim(engine, message["message_id"])
    await record_response(engine, turn)
    await fail(engine, turn)
    failed = await get(client, f"/messages/{message['message_id']}")
    assert (failed["status"], failed["model"]) == ("failed", "model-1")
    assert failed["error"] == {"code": "model_failed", "detail": "The model failed."}
    assert failed["token_usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cached_tokens": 4,
        "reasoning_tokens": 2,
    }
