"""What a session accepts as a prompt, and how many it lets wait."""

import asyncio

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import get, nothing_changes, post_escaped, post_message, problem_of, send, start_session
from tests.api.worker_steps import answer

LIMIT = 32_000


@pytest.mark.parametrize(
    "prompt",
    [
        *("", " ", "\r\n\t", "\u2003\u3000\u00a0\u2028\u0085", "\u200b", "\u200b \u200d\u2060\ufeff", "\u202e\u2066"),
        *("\0\x1b\x7f", "\u3164", "\uffa0\u115f", "\u2800", "\ufe0f", "\u00ad\u034f\u180e", "\U000e0041\U000e007f"),
    ],
)
async def test_a_prompt_of_nothing_is_refused(client: httpx.AsyncClient, session_id: str, prompt: str) -> None:
    async with nothing_changes(client):
        problem_of(await post_message(client, session_id, prompt), 422, "invalid_input", session_id)


@pytest.mark.parametrize("prompt", ["x" * 33_000, "x" * (LIMIT + 1), "é" * 16_001, "𝄞" * 8_001])
async def test_a_prompt_over_the_limit_is_refused_by_its_bytes(
    client: httpx.AsyncClient, session_id: str, prompt: str
) -> None:
    async with nothing_changes(client):
        problem = problem_of(await post_message(client, session_id, prompt), 413, "prompt_too_long", session_id)
    assert f"{len(prompt.encode())} bytes" in problem["detail"]
    assert f"{LIMIT}" in problem["detail"]


@pytest.mark.parametrize("prompt", ["x" * LIMIT, "é" * 16_000, "𝄞" * 8_000])
async def test_a_prompt_of_exactly_the_limit_is_accepted(
    client: httpx.AsyncClient, session_id: str, prompt: str
) -> None:
    assert (await send(client, session_id, prompt))["prompt"] == prompt


@pytest.mark.parametrize(
    "prompt",
    [
        "\u200bx",
        "\u0301",
        "👩\u200d🚀",
        "\u0627",
        " né ☂ 𝄞 \r\n",
        "a\0b",
        "'; DROP TABLE messages; --",
        "{}",
        "\u202egnihton",
        "0",
    ],
)
async def test_a_prompt_is_stored_unchanged(client: httpx.AsyncClient, session_id: str, prompt: str) -> None:
    message = await send(client, session_id, prompt)
    assert (await get(client, f"/messages/{message['message_id']}"))["prompt"] == prompt


@pytest.mark.parametrize("prompt", ["\ud800", "Make it \udc00 rain"])
async def test_a_prompt_with_half_a_character_is_refused(
    client: httpx.AsyncClient, session_id: str, prompt: str
) -> None:
    async with nothing_changes(client):
        refused = await post_escaped(client, f"/sessions/{session_id}/messages", {"prompt": prompt})
        assert refused.status_code == 422
        problem_of(refused, 422, refused.json()["code"])


@pytest.mark.parametrize("prompt", [None, 1, True, ["Make it rain"], {"text": "Make it rain"}])
async def test_a_prompt_that_is_no_text_is_refused(client: httpx.AsyncClient, session_id: str, prompt: object) -> None:
    async with nothing_changes(client):
        refused = await post_escaped(client, f"/sessions/{session_id}/messages", {"prompt": prompt})
        problem_of(refused, 422, "invalid_request")


async def test_the_21st_queued_message_is_to_be_sent_later(client: httpx.AsyncClient, session_id: str) -> None:
    for _ in range(20):
        await send(client, session_id)
    async with nothing_changes(client):
        refused = await post_message(client, session_id)
        problem_of(refused, 429, "too_many_queued_messages", session_id)
        assert int(refused.headers["retry-after"]) > 0


async def test_a_full_queue_accepts_a_message_when_one_has_ended(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    messages = [await send(client, session_id) for _ in range(20)]
    await answer(engine, messages[0]["message_id"])
    assert (await send(client, session_id))["number"] == 21
    problem_of(await post_message(client, session_id), 429, "too_many_queued_messages", session_id)


async def test_a_full_queue_accepts_a_message_when_one_is_cancelled(client: httpx.AsyncClient, session_id: str) -> None:
    messages = [await send(client, session_id) for _ in range(20)]
    await client.post(f"/messages/{messages[7]['message_id']}/cancel")
    assert (await send(client, session_id))["number"] == 21


async def test_a_full_queue_of_one_session_is_not_that_of_another(
    client: httpx.AsyncClient, project_id: str, session_id: str
) -> None:
    for _ in range(20):
        await send(client, session_id)
    other = await start_session(client, project_id, "triage")
    assert (await send(client, other["session_id"]))["number"] == 1


async def test_of_30_concurrent_messages_20_are_queued_without_a_gap(
    client: httpx.AsyncClient, session_id: str
) -> None:
    answers = await asyncio.gather(*(post_message(client, session_id, f"Number {number}") for number in range(30)))
    assert sorted(sent.status_code for sent in answers) == [202] * 20 + [429] * 10
    messages = (await get(client, f"/sessions/{session_id}/messages"))["messages"]
    assert [message["number"] for message in messages] == list(range(1, 21))
