"""All responses of the model to a message."""

import json
from urllib.parse import quote

import httpx
import pytest

from backend.app.wiring_local import LocalEngine
from tests.api.conftest import Json, get, problem_of, send
from tests.api.worker_steps import record
from tests.contract.builders import claim, claimed_again, fail

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 4, "reasoning_tokens": 2}
CALL: Json = {"type": "function_call", "call_id": "call_1", "name": "submit_patch", "arguments": '{"diff": "+ né"}'}
SAID: Json = {"type": "message", "content": [{"type": "output_text", "text": "né ☂"}]}


async def full(client: httpx.AsyncClient, message: Json, query: str = "") -> Json:
    return await get(client, f"/messages/{message['message_id']}/full{query}")


async def message_with(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, bodies: dict[str, Json]
) -> Json:
    """A message whose first attempt has these model responses, by id."""
    message = await send(client, session_id)
    turn = await claim(engine, message["message_id"])
    for call, (response_id, body) in enumerate(bodies.items(), start=1):
        await record(engine, turn, call, body, response_id)
    return message


async def test_a_message_that_waits_has_no_responses_yet(client: httpx.AsyncClient, session_id: str) -> None:
    message = await send(client, session_id)
    assert await full(client, message) == {
        "message_id": message["message_id"],
        "session_id": session_id,
        "model": None,
        "usage": {
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "total_tokens": 0,
            "cached_tokens": 0,
            "reasoning_tokens": 0,
        },
        "tool_calls": [],
        "openai_response": {"responses": []},
    }


async def test_each_response_is_complete(client: httpx.AsyncClient, engine: LocalEngine, session_id: str) -> None:
    body = {"output": [SAID, CALL], "extra": {"deep": [1, None, 0.5]}}
    message = await message_with(client, engine, session_id, {"resp_1": body})
    found = await full(client, message)
    assert set(found) == {"message_id", "session_id", "model", "usage", "tool_calls", "openai_response"}
    assert (found["session_id"], found["model"], found["usage"]) == (session_id, "model-1", USAGE)
    where = {"attempt": 1, "agent": "vibecoder", "iteration": 1}
    assert found["openai_response"]["responses"] == [
        {
            **where,
            "response_id": "resp_1",
            "model": "model-1",
            "usage": USAGE,
            "response": {"id": "resp_1", **body},
            "href": None,
        }
    ]
    call = {"call_id": "call_1", "name": "submit_patch", "arguments": CALL["arguments"]}
    assert found["tool_calls"] == [{**where, **call}]


async def test_an_old_response_with_unencodable_text_can_be_read(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    output = [None, "x", {**CALL, "arguments": {"diff": "half \ud83d"}}, {"type": "message", "content": "half \ud83d"}]
    message = await message_with(client, engine, session_id, {"resp_1": {"output": output}})
    found = await full(client, message)
    assert found["openai_response"]["responses"][0]["response"]["output"][3]["content"] == "half \ufffd"
    assert found["tool_calls"][0]["name"] == "submit_patch"
    part = await full(client, message, "?response_id=resp_1&part=1")
    assert json.loads(part["text"])["output"][3]["content"] == "half \ufffd"


async def test_the_responses_of_failed_attempts_are_kept_in_order(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await send(client, session_id)
    first = await claim(engine, message["message_id"])
    for call in (1, 2):
        await record(engine, first, call, {"output": [CALL]}, f"resp_1_{call}")
    second = await claimed_again(engine, first)
    await record(engine, second, 1, {"output": [CALL]}, "resp_2_1")
    await fail(engine, second)
    found = await full(client, message)
    responses = found["openai_response"]["responses"]
    assert [(one["attempt"], one["response_id"]) for one in responses] == [
        (1, "resp_1_1"),
        (1, "resp_1_2"),
        (2, "resp_2_1"),
    ]
    assert [call["attempt"] for call in found["tool_calls"]] == [1, 1, 2]
    assert found["usage"] == {name: 3 * tokens for name, tokens in USAGE.items()}


async def test_one_response_can_be_read_alone(client: httpx.AsyncClient, engine: LocalEngine, session_id: str) -> None:
    bodies = {"resp_1": {"output": [SAID]}, "resp_2": {"output": [CALL]}}
    message = await message_with(client, engine, session_id, bodies)
    found = await full(client, message, "?response_id=resp_2")
    assert [one["response_id"] for one in found["openai_response"]["responses"]] == ["resp_2"]
    assert [call["name"] for call in found["tool_calls"]] == ["submit_patch"]


@pytest.mark.parametrize("text", ["x" * 1_500_000, "漢" * 500_000], ids=["ascii", "multi-byte"])
async def test_over_4_mb_the_responses_are_hrefs_that_can_be_followed(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, text: str
) -> None:
    bodies = {f"resp_{number}": {"output": [CALL], "text": text} for number in (1, 2, 3)}
    message = await message_with(client, engine, session_id, bodies)
    answer = await client.get(f"/messages/{message['message_id']}/full")
    assert len(answer.content) < 10_000
    pointers = answer.json()["openai_response"]["responses"]
    assert [one["response"] for one in pointers] == [None] * 3
    for (response_id, body), pointer in zip(bodies.items(), pointers, strict=True):
        found = await get(client, pointer["href"])
        assert found["openai_response"]["responses"] == [
            {**pointer, "href": None, "response": {"id": response_id, **body}}
        ]


async def test_just_under_4_mb_the_responses_are_complete(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str
) -> None:
    message = await message_with(client, engine, session_id, {"resp_1": {"text": "x" * 3_990_000}})
    assert (await full(client, message))["openai_response"]["responses"][0]["href"] is None


@pytest.mark.parametrize("text", ["x" * 5_000_000, '"' * 4_000_000, "漢" * 1_500_000], ids=["ascii", "quotes", "cjk"])
async def test_one_response_over_4_mb_can_be_read_in_parts(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, text: str
) -> None:
    message = await message_with(client, engine, session_id, {"resp_1": {"text": text}, "resp_2": {"output": []}})
    pointers = (await full(client, message))["openai_response"]["responses"]
    small = await get(client, pointers[1]["href"])
    assert small["openai_response"]["responses"][0]["response"] == {"id": "resp_2", "output": []}
    alone = await full(client, message, "?response_id=resp_1")
    assert alone["openai_response"]["responses"] == [pointers[0]]
    read, href = "", pointers[0]["href"]
    while href:
        answer = await client.get(href)
        assert len(answer.content) <= 4_000_000
        part = answer.json()
        assert (part["response_id"], part["session_id"]) == ("resp_1", session_id)
        read, href = read + part["text"], part["next_href"]
    assert part["part"] == part["parts"] > 1
    assert json.loads(read) == {"id": "resp_1", "text": text}


@pytest.mark.parametrize("query", ["", "?response_id=resp_1", "?response_id=resp_1&part=1"])
async def test_large_responses_are_read_outside_of_the_servers_process(
    client: httpx.AsyncClient,
    engine: LocalEngine,
    session_id: str,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
) -> None:
    """Parsing JSON holds the interpreter's lock, also in a thread: it would block other requests."""
    message = await message_with(client, engine, session_id, {"resp_1": {"output": [SAID] * 10_000}})
    read_here: list[int] = []
    loads = json.loads

    def counted_loads(text: str | bytes) -> object:
        read_here.append(len(text))
        return loads(text)

    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", counted_loads)
        answer = await client.get(f"/messages/{message['message_id']}/full{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert len(answer.content) > 500_000
    assert sum(read_here) < 10_000


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("part=1", 422, "invalid_input"),
        ("response_id=resp_1&part=2", 422, "invalid_input"),
        ("response_id=resp_1&part=0", 422, "invalid_request"),
        ("response_id=resp_2&part=1", 404, "response_not_found"),
    ],
)
async def test_a_part_that_is_not_there_is_refused(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, query: str, status: int, code: str
) -> None:
    message = await message_with(client, engine, session_id, {"resp_1": {"output": []}})
    problem_of(await client.get(f"/messages/{message['message_id']}/full?{query}"), status, code)


# Servers other than OpenAI's make such ids: LiteLLM's are base64 and can have over 200 characters.
@pytest.mark.parametrize("response_id", ["resp_a+b/c==", "a&b#c?d=e f%20", "☂", "resp_" + "x" * 240])
async def test_the_href_of_a_response_works_for_any_id(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, response_id: str
) -> None:
    bodies = {response_id: {"text": "x" * 3_000_000}, "resp_2": {"text": "x" * 3_000_000}}
    message = await message_with(client, engine, session_id, bodies)
    pointer = (await full(client, message))["openai_response"]["responses"][0]
    found = await get(client, pointer["href"])
    assert [one["response_id"] for one in found["openai_response"]["responses"]] == [response_id]


@pytest.mark.parametrize("response_id", ["resp_2", "", "RESP_1", "' OR 1=1", "\0"])
async def test_an_unknown_response_is_not_found(
    client: httpx.AsyncClient, engine: LocalEngine, session_id: str, response_id: str
) -> None:
    message = await message_with(client, engine, session_id, {"resp_1": {"output": []}})
    answer = await client.get(f"/messages/{message['message_id']}/full?response_id={quote(response_id)}")
    problem_of(answer, 404, "response_not_found")
