"""Sending the same message twice runs it once: by `message_id`, or by `Idempotency-Key`."""

import asyncio
from uuid import UUID

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import (
    RESPOND_ASYNC,
    create_project,
    get,
    json_of,
    nothing_changes,
    post_escaped,
    post_message,
    problem_of,
    send,
    start_session,
)
from tests.api.worker_steps import answer

ID = "6F9619FF-8B86-4D01-B42D-00C04FC964FF"
NAMES = [{"message_id": ID}, {"key": "key-1"}]
named = pytest.mark.parametrize("name", NAMES, ids=["message_id", "key"])


@named
async def test_a_message_sent_again_is_the_same_message(
    client: httpx.AsyncClient, session_id: str, name: dict[str, str]
) -> None:
    first = await send(client, session_id, **name)
    assert await send(client, session_id, **name) == first
    assert (await get(client, f"/sessions/{session_id}/messages"))["count"] == 1


@named
async def test_a_message_sent_again_after_its_end_is_answered_immediately(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, name: dict[str, str]
) -> None:
    first = await send(client, session_id, **name)
    await answer(engine, first["message_id"])
    async with nothing_changes(client):
        again = json_of(await post_message(client, session_id, **name), 200)
    assert (again["message_id"], again["status"]) == (first["message_id"], "completed")


@named
async def test_a_message_sent_many_times_concurrently_is_one_message(
    client: httpx.AsyncClient, session_id: str, name: dict[str, str]
) -> None:
    sent = await asyncio.gather(*(send(client, session_id, **name) for _ in range(5)))
    assert sent == [sent[0]] * 5
    assert (await get(client, f"/sessions/{session_id}/messages"))["count"] == 1


@named
async def test_the_same_name_with_another_prompt_is_a_conflict(
    client: httpx.AsyncClient, session_id: str, name: dict[str, str]
) -> None:
    await send(client, session_id, "Make it rain", **name)
    async with nothing_changes(client):
        refused = await post_message(client, session_id, "Make it snow", **name)
        problem_of(refused, 409, "message_id_conflict", session_id)
        assert "rain" not in refused.text


async def test_a_message_id_may_be_any_uuid_in_any_case(client: httpx.AsyncClient, session_id: str) -> None:
    first = await send(client, session_id, message_id=ID)
    assert first["message_id"] == ID.lower()
    for spelling in (ID.lower(), ID.replace("-", "")):
        assert await send(client, session_id, message_id=spelling) == first
    assert await get(client, f"/messages/{ID.lower()}") == first


@pytest.mark.parametrize("message_id", [str(UUID(int=0)), str(UUID(int=2**128 - 1))])
async def test_a_message_id_of_no_uuid_version_is_accepted(
    client: httpx.AsyncClient, session_id: str, message_id: str
) -> None:
    assert (await send(client, session_id, message_id=message_id))["message_id"] == message_id


@pytest.mark.parametrize("message_id", ["", "x", 1, True, [ID], ID[:-1], f"{ID}0", f" {ID}", "../" + ID, "\ud800"])
async def test_a_message_id_that_is_no_uuid_is_refused(
    client: httpx.AsyncClient, session_id: str, message_id: object
) -> None:
    async with nothing_changes(client):
        body = {"prompt": "Make it rain", "message_id": message_id}
        problem_of(await post_escaped(client, f"/sessions/{session_id}/messages", body), 422, "invalid_request")


async def test_a_message_id_of_another_session_is_a_conflict_without_its_content(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    await send(client, session_id, "Make it rain", message_id=ID)
    other = await start_session(client, project_id, "triage")
    async with nothing_changes(client):
        refused = await post_message(client, other["session_id"], "Make it rain", message_id=ID)
        problem_of(refused, 409, "message_id_conflict", other["session_id"])
    assert "rain" not in refused.text
    assert session_id not in refused.text


async def test_a_message_id_of_a_strangers_session_reveals_nothing(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, session_id: str
) -> None:
    await send(client, session_id, "Make it rain", message_id=ID)
    own = await start_session(stranger, (await create_project(stranger))["project_id"])
    same = await post_message(stranger, own["session_id"], "Make it rain", message_id=ID)
    another = await post_message(stranger, own["session_id"], "Make it snow", message_id=ID)
    problem_of(same, 409, "message_id_conflict", own["session_id"])
    assert another.json() == same.json()
    assert session_id not in same.text


async def test_a_key_is_known_only_to_its_session(client: httpx.AsyncClient, project_id: str, session_id: str) -> None:
    other = await start_session(client, project_id, "triage")
    first = await send(client, session_id, "Make it rain", key="key-1")
    second = await send(client, other["session_id"], "Make it snow", key="key-1")
    assert first["message_id"] != second["message_id"]
    assert second["prompt"] == "Make it snow"


async def test_keys_that_differ_name_different_messages(client: httpx.AsyncClient, session_id: str) -> None:
    sent = [await send(client, session_id, key=key) for key in ("a", "A", '"a"', "a b", "k" * 200)]
    assert [message["number"] for message in sent] == [1, 2, 3, 4, 5]


async def test_a_message_with_both_an_id_and_a_key_is_refused(client: httpx.AsyncClient, session_id: str) -> None:
    async with nothing_changes(client):
        refused = await post_message(client, session_id, key="key-1", message_id=ID)
        problem_of(refused, 400, "two_message_ids", session_id)


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_1_to_200_characters(client: httpx.AsyncClient, session_id: str, key: str) -> None:
    async with nothing_changes(client):
        refused = await client.post(
            f"/sessions/{session_id}/messages",
            json={"prompt": "Make it rain"},
            headers={**RESPOND_ASYNC, "Idempotency-Key": key},
        )
        problem_of(refused, 422, "invalid_request")


async def test_a_message_can_be_sent_again_while_the_queue_is_full(client: httpx.AsyncClient, session_id: str) -> None:
    sent = [await send(client, session_id, key=f"key-{number}") for number in range(20)]
    problem_of(await post_message(client, session_id, key="key-20"), 429, "too_many_queued_messages", session_id)
    assert await send(client, session_id, key="key-7") == sent[7]
