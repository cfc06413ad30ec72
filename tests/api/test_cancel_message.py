"""Cancelling a message: immediately if it is queued, by its worker if it runs, without effect if it has ended."""

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import get, json_of, nothing_changes, problem_of, send
from tests.api.worker_steps import answer, run_over_lease
from tests.contract.builders import claim, fail, record_response

CANCELLED = {"code": "cancelled", "detail": "The message was cancelled."}


async def test_a_queued_message_is_cancelled_immediately(client: httpx.AsyncClient, session_id: str) -> None:
    message = await send(client, session_id)
    cancelled = json_of(await client.post(f"/messages/{message['message_id']}/cancel"), 200)
    assert cancelled == {
        **message,
        "status": "cancelled",
        "attempt": 1,
        "error": CANCELLED,
        "completed_at": cancelled["completed_at"],
    }
    assert cancelled["completed_at"] is not None
    assert await get(client, f"/messages/{message['message_id']}") == cancelled


async def test_a_cancelled_message_is_an_event(client: httpx.AsyncClient, session_id: str) -> None:
    message = await send(client, session_id)
    await client.post(f"/messages/{message['message_id']}/cancel")
    (event,) = (await get(client, f"/sessions/{session_id}/events"))["events"]
    assert (event["type"], event["message_id"]) == ("message_cancelled", message["message_id"])
    assert {"code": event["code"], "detail": event["detail"]} == CANCELLED


async def test_a_running_message_is_only_asked_to_end(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    turn = await claim(engine, message["message_id"])
    async with nothing_changes(client):
        asked = json_of(await client.post(f"/messages/{message['message_id']}/cancel"), 202)
        assert asked == {**message, "status": "running", "attempt": 1}
    assert (await engine.turns.heartbeat(turn, None)).cancel_requested


async def test_a_running_message_without_a_worker_is_cancelled_immediately(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    await run_over_lease(engine, message["message_id"])
    cancelled = json_of(await client.post(f"/messages/{message['message_id']}/cancel"), 200)
    assert (cancelled["status"], cancelled["attempt"], cancelled["error"]) == ("cancelled", 2, CANCELLED)


async def test_a_cancelled_message_keeps_its_token_usage(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    turn = await claim(engine, message["message_id"])
    await record_response(engine, turn)
    await engine.turns.release_lease(turn, engine.clock.now())
    cancelled = json_of(await client.post(f"/messages/{message['message_id']}/cancel"), 200)
    tokens = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cached_tokens": 4,
        "reasoning_tokens": 2,
    }
    assert cancelled["token_usage"] == tokens
    assert (await get(client, f"/sessions/{session_id}"))["token_usage"] == tokens


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_an_ended_message_stays_as_it_is(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, end: str
) -> None:
    message = await send(client, session_id)
    path = f"/messages/{message['message_id']}"
    if end == "completed":
        await answer(engine, message["message_id"])
    elif end == "failed":
        await fail(engine, await claim(engine, message["message_id"]))
    else:
        await client.post(f"{path}/cancel")
    before = await get(client, path)
    assert before["status"] == end
    async with nothing_changes(client):
        assert json_of(await client.post(f"{path}/cancel"), 200) == before


async def test_a_message_that_does_not_exist_is_not_cancelled(client: httpx.AsyncClient, session_id: str) -> None:
    await send(client, session_id)
    async with nothing_changes(client):
        problem_of(await client.post(f"/messages/{session_id}/cancel"), 404, "message_not_found")
