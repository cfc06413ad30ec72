"""A model's server that does not speak the Responses API: the message says so, and what to do."""

import json
from typing import Any

import httpx
import pytest

from tests.integration.raw_answers import ended, raw, stream
from tests.integration.talk import Json, Servers
from tests.integration.untrusted_model.asking import ALWAYS, HI, ask, failure, name_of

pytestmark = pytest.mark.long

CHOICE: Json = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
PIECE: Json = {"index": 0, "delta": {"content": "hi"}, "finish_reason": None}
CHUNK: Json = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [PIECE]}
CLAUDE: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
CLAUDE_SAYS: Json = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
CANDIDATE: Json = {"candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}}]}
OLLAMA: Json = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "hi"}}


def named(*events: Json) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


OTHERS: list[tuple[str, str]] = [
    ("Chat Completions", stream(CHUNK, CHUNK, "data: [DONE]\n\n")),
    ("Chat Completions", stream({**CHUNK, "object": None})),
    ("Chat Completions", stream({**CHUNK, "choices": [], "error": None}, CHUNK)),
    ("Chat Completions", json.dumps({"id": "c", "object": "chat.completion", "choices": [CHOICE]})),
    ("Chat Completions", json.dumps({"choices": [CHOICE]}, indent=2)),
    ("Anthropic Messages", named({"type": "message_start", "message": CLAUDE}, {"type": "ping"}, CLAUDE_SAYS)),
    ("Anthropic Messages", named({"type": "ping"}, CLAUDE_SAYS, {"type": "message_stop"})),
    ("Anthropic Messages", "event: message_start\ndata: {}\n\n"),
    ("Anthropic Messages", json.dumps(CLAUDE)),
    ("Gemini", stream(CANDIDATE)),
    ("Gemini", json.dumps([CANDIDATE, CANDIDATE])),
    ("Ollama", f"{json.dumps({**OLLAMA, 'done': False})}\n{json.dumps({**OLLAMA, 'done': True})}\n"),
    ("Ollama", json.dumps({"model": "m", "response": "hi", "done": True})),
]


@pytest.mark.parametrize(("api", "body"), OTHERS, ids=name_of)
async def test_an_answer_in_another_api_is_called_that_and_asked_for_once(
    servers: Servers, http: httpx.AsyncClient, api: str, body: str
) -> None:
    message = await ask(servers, http, raw(body, times=ALWAYS))
    assert failure(message) == ("model_refused", 1)
    detail = message["error"]["detail"]
    assert f"The server at OPENAI_BASE_URL answers in the {api} API." in detail
    assert "set OPENAI_BASE_URL to the base URL of a server that has `POST /responses`" in detail


@pytest.mark.parametrize(
    "body", [stream({"type": "ping"}), stream({"text": "hi"}, "data: [DONE]\n\n"), "data: [DONE]\n\n"], ids=name_of
)
async def test_a_stream_without_any_event_of_the_responses_api_is_called_that(
    servers: Servers, http: httpx.AsyncClient, body: str
) -> None:
    message = await ask(servers, http, raw(body, times=ALWAYS))
    assert failure(message) == ("model_misbehaved", 3)
    assert "none of its events belongs to the Responses API" in message["error"]["detail"]


@pytest.mark.parametrize("strange", [CHUNK, {"type": "ping"}, CLAUDE_SAYS, {"candidates": []}], ids=name_of)
async def test_events_of_others_within_an_answer_of_the_responses_api_do_not_matter(
    servers: Servers, http: httpx.AsyncClient, strange: Any
) -> None:
    created = {"type": "response.created", "sequence_number": 0, "response": {**HI, "output": []}}
    message = await ask(servers, http, raw(stream(created, strange, ended(HI))))
    assert (message["status"], message["content"]) == ("completed", "hi")


@pytest.mark.parametrize(
    ("status", "body", "hinted"),
    [
        (404, '{"detail": "Not Found"}', True),
        (404, "404 page not found", True),
        (405, "<html>Method Not Allowed</html>", True),
        (404, '{"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}', False),
        (400, '{"error": {"message": "Bad."}}', False),
    ],
)
async def test_a_server_without_the_endpoint_fails_with_what_it_must_offer(
    servers: Servers, http: httpx.AsyncClient, status: int, body: str, hinted: bool
) -> None:
    message = await ask(servers, http, raw(body, status=status, times=ALWAYS))
    assert message["status"] == "failed"
    assert ("OPENAI_BASE_URL" in message["error"]["detail"]) == hinted
