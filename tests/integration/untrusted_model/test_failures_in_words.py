"""What a model's server says when it fails, as people and the log get it: without keys, and with what to do."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.raw_answers import (
    USAGE,
    delta,
    ended,
    raw,
    response,
    stream,
    text_item,
)
from tests.integration.talk import Servers, log_of, send, start_session
from tests.integration.untrusted_model.asking import ALWAYS, KEY, QUESTION, ask, failure, name_of, stored_in

pytestmark = pytest.mark.long

FAILURES = [
    ("context_length_exceeded", "context_too_long", 1),
    ("invalid_prompt", "model_refused", 1),
    ("insufficient_quota", "model_quota", 1),
    ("invalid_api_key", "model_refused", 1),
    (400, "model_refused", 1),
    ("server_error", "model_unavailable", 3),
    ("503", "model_unavailable", 3),
    (None, "model_unavailable", 3),
]


@pytest.mark.parametrize(("code", "expected", "attempts"), FAILURES, ids=name_of)
async def test_what_a_server_fails_with_in_its_answer_is_tried_again_only_where_that_may_help(
    servers: Servers, http: httpx.AsyncClient, code: Any, expected: str, attempts: int
) -> None:
    error = {"code": code, "message": "It says why."}
    body = response(status="failed", error=error)
    answers = [ended(body, "failed"), {"type": "error", **error}, {"error": error}]
    for answer in answers if attempts == 1 else answers[:1]:
        message = await ask(servers, http, raw(stream(delta("So"), answer), times=ALWAYS))
        assert failure(message) == (expected, attempts)
    message = await ask(servers, http, raw(json.dumps({"error": error}), times=ALWAYS if attempts == 3 else 1))
    assert failure(message) == (expected, attempts)


async def test_a_redirect_is_not_followed(servers: Servers, http: httpx.AsyncClient) -> None:
    elsewhere = {"location": f"{servers.model_url}/v1/responses"}
    message = await ask(servers, http, raw("", status=307, headers=elsewhere, times=ALWAYS))
    assert failure(message) == ("model_refused", 1)
    assert "OPENAI_BASE_URL" in message["error"]["detail"]


async def test_silence_before_the_answer_has_its_own_words_and_is_no_storm_of_calls(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    before = (await servers.counts())["calls"]
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults({"kind": "stall", "times": ALWAYS})
    message = await send(http, session_id, QUESTION)
    assert failure(message) == ("model_silent", 3)
    assert message["error"]["detail"] == "The model's server sent nothing for 1 s."
    assert (await servers.counts())["calls"] - before == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_the_key_is_never_shown_whatever_the_server_repeats(
    servers: Servers, http: httpx.AsyncClient, data_dir: Path, status: int
) -> None:
    masked = f"{KEY[:8]}************{KEY[-4:]}"
    words = f"Bad key {KEY}, that is {masked}. Authorization: Bearer {KEY} at https://me:{KEY}@host/v1"
    error = {"error": {"message": words, "code": None, "type": words}}
    fault = raw(json.dumps(error), status=status, content_type="application/json", times=ALWAYS)
    message = await ask(servers, http, fault)
    shown = json.dumps([message, await log_of(http, message["session_id"])])
    stored = stored_in(data_dir)
    for part in (KEY, KEY[:12], KEY[-12:], masked):
        assert part not in shown
        assert part.encode() not in stored
        assert part not in servers.process.output
    if status in (401, 403):
        assert message["error"]["detail"].endswith("Check OPENAI_API_KEY.")
        assert "Bad key" not in shown


async def test_what_a_failed_response_says_is_stored_without_the_key(
    servers: Servers, http: httpx.AsyncClient, data_dir: Path
) -> None:
    error = {"code": "invalid_prompt", "message": f"You sent Bearer {KEY}"}
    body = response(text_item(f"Your key is {KEY}"), status="failed", error=error)
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    message = await ask(servers, http, raw(stream(ended(body, "failed")).replace(KEY, escaped, 1)))
    full = (await http.get(f"/messages/{message['message_id']}/full")).text
    assert "You sent" in full
    assert "Your key is" in full
    assert KEY not in full
    assert KEY.encode() not in stored_in(data_dir)


async def test_an_answer_that_failed_at_a_price_is_paid_once_an_attempt(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    body = response(status="failed", error={"code": "server_error", "message": "Sorry."})
    message = await ask(servers, http, raw(stream(ended(body, "failed")), times=ALWAYS))
    assert failure(message) == ("model_unavailable", 3)
    assert message["token_usage"]["total_tokens"] == 3 * USAGE["total_tokens"]


async def test_a_status_is_reported_once_and_in_words(servers: Servers, http: httpx.AsyncClient) -> None:
    error = {"error": {"message": "No such field: x."}}
    message = await ask(servers, http, raw(json.dumps(error), status=400, content_type="application/json"))
    assert message["error"]["detail"] == "The model's server refused the request (400): No such field: x."
    page = await ask(servers, http, raw("<html>Bad gateway</html>", status=502, times=ALWAYS))
    assert page["error"]["detail"] == "The model's server answered 502."


async def test_a_context_that_is_too_long_says_what_helps(servers: Servers, http: httpx.AsyncClient) -> None:
    error = {
        "error": {"code": 400, "message": "request (1038 tokens) exceeds the available context size (1024 tokens)"}
    }
    message = await ask(servers, http, raw(json.dumps(error), status=400, content_type="application/json"))
    assert failure(message) == ("context_too_long", 1)
    assert "Start a new session, or shorten the code." in message["error"]["detail"]


async def test_waiting_for_the_models_server_is_announced_with_its_reason_and_its_end(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults(
        {"kind": "status", "status": 429, "retry_after": 0.25}, {"kind": "clean_eof", "agent": "evaluator"}
    )
    message = await send(http, session_id, "Create a triage agent")
    assert (message["status"], message["attempt"]) == ("completed", 2)
    call, turn = [event for event in await log_of(http, session_id) if event["type"] == "retry_scheduled"]
    assert (call["code"], call["agent"], call["iteration"], call["attempt"]) == ("model_unavailable", "vibecoder", 1, 1)
    assert "429" in call["detail"]
    waited = datetime.fromisoformat(call["retry_at"]) - datetime.fromisoformat(call["created_at"])
    assert waited == timedelta(seconds=0.25)
    assert (turn["code"], turn["agent"], turn["iteration"], turn["attempt"]) == ("model_misbehaved", None, None, 1)
