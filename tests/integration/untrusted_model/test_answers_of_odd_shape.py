"""Answers of a model's server that are odd in their shape, and whose meaning is clear: they are read."""

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.integration.raw_answers import (
    USAGE,
    call_item,
    delta,
    ended,
    raw,
    response,
    says,
    stream,
    text_item,
)
from tests.integration.talk import Json, Servers, log_of, send, start_session
from tests.integration.untrusted_model.asking import HI, QUESTION, ask, name_of

pytestmark = pytest.mark.long

HEADERS = [
    {"retry-after": "Fri, 27 Nov 99999999999999999999 10:00:30 GMT", "date": "Fri, 27 Nov 2026 10:00:00 GMT"},
    {"retry-after": "Fri, 27 Nov 2026 10:00:30 +99999999999999999999"},
    {"retry-after": "nan", "retry-after-ms": "inf"},
    {"retry-after": "\xb2"},
    {"x-note": "caf\xe9"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=name_of)
async def test_headers_of_whatever_content_do_not_matter(
    servers: Servers, http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    good = {**says("Here it is."), "headers": headers}
    message = await ask(servers, http, raw("", status=429, headers=headers), good)
    assert (message["status"], message["attempt"], message["content"]) == ("completed", 1, "Here it is.")


@pytest.mark.parametrize("text", ["half \ud83d", "\ude00 other half", "a\0b", "\udfff\ud800 wrong way round"])
async def test_text_that_cannot_be_stored_is_replaced(servers: Servers, http: httpx.AsyncClient, text: str) -> None:
    message = await ask(servers, http, says(text, id=f"resp {text}", model=f"m {text}", note={text: [text]}))
    shown = "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)
    assert (message["status"], message["content"]) == ("completed", shown)
    full = (await http.get(f"/messages/{message['message_id']}/full")).json()
    assert full["openai_response"]["responses"][0]["response"]["note"] == {shown: [shown]}


async def test_a_review_with_text_that_cannot_be_stored_lands_with_it_replaced(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    review = json.dumps({"approved": True, "reasoning": "Good \ud83d", "commit_message": "Add\0 it \ude00"})
    message = await ask(servers, http, raw(stream(ended(response(text_item(review)))), agent="evaluator"))
    assert message["status"] == "completed"
    versions = (await http.get(f"/projects/{message['project_id']}/versions")).json()["versions"]
    assert versions[0]["commit_message"] == "Add\ufffd it \ufffd"


async def test_an_emoji_that_is_split_between_two_deltas_is_joined(servers: Servers, http: httpx.AsyncClient) -> None:
    pieces = [delta("So \ud83d"), delta("\ude00 it is"), ended(response(text_item("So 😀 it is")))]
    message = await ask(servers, http, raw(stream(*pieces)))
    assert (message["status"], message["attempt"], message["content"]) == ("completed", 1, "So 😀 it is")
    assert message["token_usage"]["total_tokens"] == USAGE["total_tokens"]


NOISE = [
    "retry: 1000\n\n",
    "id: 1\n\n",
    "data:\n\n",
    ": ping\n\n",
    "event: ping\n\n",
    "id\nretry\n\n",
    "own: x\n\n",
    "\n\n",
]


@pytest.mark.parametrize("noise", NOISE, ids=repr)
async def test_lines_of_an_event_stream_that_carry_no_data_are_ignored(
    servers: Servers, http: httpx.AsyncClient, noise: str
) -> None:
    message = await ask(servers, http, raw(noise + stream(delta("hi"), noise, ended(HI), noise)))
    assert (message["status"], message["attempt"], message["content"]) == ("completed", 1, "hi")


@pytest.mark.parametrize(
    "body",
    [
        stream(delta("hi"), ended(HI)).replace("\n", "\r\n"),
        stream(delta("hi"), ended(HI)).replace("\n", "\r"),
        "\ufeff" + stream(ended(HI)),
        "data: " + json.dumps(ended(HI), indent=1).replace("\n", "\ndata: ") + "\n\n",
        f"event: response.completed\ndata:{json.dumps({'response': HI})}\n\n",
        stream(
            "data: 5\n\n", "data: null\n\n", {}, {"type": None}, {"type": "ping"}, {"type": "response.new"}, ended(HI)
        ),
        stream(ended(HI), ended(response(text_item("no")))),
        stream(ended(HI), "data: [DONE]\n\n"),
        stream(ended(HI), "data: no JSON\n\n"),
        stream(delta("hi")).encode() + b'data: {"type": "response.\xff\xfe"}\n\n' + stream(ended(HI)).encode(),
        json.dumps(HI),
    ],
    ids=name_of,
)
async def test_an_answer_is_read_in_every_form_that_means_the_same(
    servers: Servers, http: httpx.AsyncClient, body: str | bytes
) -> None:
    message = await ask(servers, http, raw(body, content_type="text/plain"))
    assert (message["status"], message["attempt"], message["content"]) == ("completed", 1, "hi")
    assert message["token_usage"]["total_tokens"] == USAGE["total_tokens"]


async def test_a_compressed_answer_is_read(servers: Servers, http: httpx.AsyncClient) -> None:
    packed = gzip.compress(stream(ended(HI)).encode(), mtime=0)
    message = await ask(servers, http, raw(packed, headers={"content-encoding": "gzip"}))
    assert message["content"] == "hi"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, (0, 0, 0)),
        ("many", (0, 0, 0)),
        ({**USAGE, "output_tokens": None}, (10, 0, 15)),
        ({**USAGE, "output_tokens": 7.9, "total_tokens": None}, (10, 7, 17)),
        ({**USAGE, "output_tokens": 10**20, "total_tokens": -3}, (10, 0, 10)),
        ({"input_tokens": "12", "output_tokens": {}}, (12, 0, 12)),
        ({**USAGE, "input_tokens_details": None, "output_tokens_details": 5}, (10, 5, 15)),
    ],
    ids=name_of,
)
async def test_usage_is_counted_as_far_as_it_makes_sense(
    servers: Servers, http: httpx.AsyncClient, usage: Any, counted: tuple[int, int, int]
) -> None:
    message = await ask(servers, http, says("hi", usage=usage))
    shown = message["token_usage"]
    assert message["status"] == "completed"
    assert (shown["prompt_tokens"], shown["completion_tokens"], shown["total_tokens"]) == counted


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"input_tokens_details": {"cached_tokens": 10}, "output_tokens_details": {"reasoning_tokens": 5}}, (10, 5)),
        ({"input_tokens_details": {"cached_tokens": 11}, "output_tokens_details": {"reasoning_tokens": 6}}, (10, 5)),
        ({"input_tokens_details": {"cached_tokens": 10**9}, "input_tokens": 0}, (0, 2)),
        ({"output_tokens": None, "input_tokens_details": {"cached_tokens": "99"}}, (10, 0)),
        ({"input_tokens_details": {"cached_tokens": -1}, "output_tokens_details": {"reasoning_tokens": 1e6}}, (0, 5)),
    ],
    ids=name_of,
)
async def test_no_more_tokens_are_cached_or_thought_than_there_are(
    servers: Servers, http: httpx.AsyncClient, usage: Json, counted: tuple[int, int]
) -> None:
    shown = (await ask(servers, http, says("hi", usage={**USAGE, **usage})))["token_usage"]
    assert (shown["cached_tokens"], shown["reasoning_tokens"]) == counted


async def test_cached_and_thinking_tokens_are_in_event_message_and_session(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults(says("hi"))
    message = await send(http, session_id, QUESTION)
    session = (await http.get(f"/sessions/{session_id}")).json()
    events = [event for event in await log_of(http, session_id) if event["type"] == "token_usage"]
    for usage in (message["token_usage"], session["token_usage"], events[0]):
        assert (usage["cached_tokens"], usage["reasoning_tokens"]) == (4, 2)


@pytest.mark.parametrize("value", [None, [], "x" * 300_000], ids=name_of)
@pytest.mark.parametrize("field", ["id", "model", "created_at", "status", "object", "incomplete_details", "own"])
async def test_a_field_of_another_type_does_not_matter_where_the_answer_is_there(
    servers: Servers, http: httpx.AsyncClient, field: str, value: Any
) -> None:
    message = await ask(servers, http, says("hi", **{field: value}))
    assert (message["status"], message["content"]) == ("completed", "hi")


async def test_responses_without_an_id_of_their_own_can_be_read_one_by_one(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    faults = [raw(stream(ended(response(call_item("{}"), id=name)))) for name in ("same", "same", None, None)]
    message = await ask(servers, http, *faults)
    responses = (await http.get(f"/messages/{message['message_id']}/full")).json()["openai_response"]["responses"]
    assert len({one["response_id"] for one in responses}) == len(responses) > len(faults)


async def test_history_holds_only_what_the_api_documents_as_input(servers: Servers, http: httpx.AsyncClient) -> None:
    session_id = (await start_session(http))["session_id"]
    own: Json = {"id": "x_1", "type": "x_search", "found": 3}
    said = {**text_item("hi"), "x_score": 1}
    said["content"][0] |= {"x_tokens": [1], "logprobs": []}
    call = {**call_item('{"diff": "@@'), "x_thought": "..."}
    await servers.plan_faults(
        raw(stream(ended(response(own, call)))), raw(stream(ended(response(own, said, x_field=1))))
    )
    assert (await send(http, session_id, "Hello"))["content"] == "hi"
    assert (await send(http, session_id, QUESTION))["status"] == "completed"
    sent = (await servers.last_request())["input"]
    assert sent[:1] == [{"role": "user", "content": "Hello"}]
    kept = {key: call[key] for key in ("type", "call_id", "name", "status")}
    assert sent[1] == {**kept, "arguments": "{}"}  # what is no JSON, some servers fail on for ever after
    assert (sent[2]["type"], sent[2]["call_id"], set(sent[2])) == (
        "function_call_output",
        call["call_id"],
        {"type", "call_id", "output"},
    )
    part = {"type": "output_text", "text": "hi", "annotations": []}
    assert sent[3] == {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    assert "x_" not in json.dumps(sent)
