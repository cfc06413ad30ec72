"""Answers of a model's server that say nothing, are refused, end early or cannot be read: each has its code."""

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
    refusal_item,
    response,
    says,
    stream,
    text_item,
)
from tests.integration.talk import Json, Servers, send, start_session
from tests.integration.untrusted_model.asking import ALWAYS, HI, ask, failure, name_of

pytestmark = pytest.mark.long


@pytest.mark.parametrize("agent", ["vibecoder", "evaluator"])
async def test_a_refusal_fails_the_message_at_once_with_the_words_of_the_model(
    servers: Servers, http: httpx.AsyncClient, agent: str
) -> None:
    message = await ask(servers, http, raw(stream(ended(response(refusal_item("I must not.")))), agent=agent))
    assert failure(message) == ("model_refused", 1)
    assert message["error"]["detail"] == "The model refused: I must not."


EMPTY: list[Json] = [
    response(),
    {**response(), "output": None},
    response(text_item("")),
    response(text_item(" \n\t")),
    response(text_item("\u200b\ufeff\u2800")),
    response({**text_item("x"), "content": None}),
    response({"type": "x_thing"}),
    response(None, "x", [], {}),
]


@pytest.mark.parametrize("body", EMPTY, ids=lambda body: name_of(body["output"]))
async def test_an_empty_answer_is_asked_for_once_more(servers: Servers, http: httpx.AsyncClient, body: Json) -> None:
    answered = await ask(servers, http, raw(stream(ended(body))), says("Here it is."))
    assert (answered["status"], answered["attempt"], answered["content"]) == ("completed", 1, "Here it is.")
    twice = await ask(servers, http, raw(stream(ended(body)), times=ALWAYS))
    assert failure(twice) == ("model_misbehaved", 1)
    assert twice["token_usage"]["total_tokens"] == 2 * USAGE["total_tokens"]


async def test_an_empty_review_is_asked_for_once_more(servers: Servers, http: httpx.AsyncClient) -> None:
    empty = raw(stream(ended(response())), agent="evaluator")
    assert (await ask(servers, http, empty))["status"] == "completed"
    assert failure(await ask(servers, http, {**empty, "times": ALWAYS})) == ("model_misbehaved", 1)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('{"diff": "@@', "Unterminated string starting at (line 1, column 10 of 12 characters"),
        ("", "Expecting value (line 1, column 1 of 0 characters"),
        ("null", "they are null, not an object"),
        ('["x"]', "they are a list, not an object"),
        ('"@@"', "they are a text, not an object"),
        ("{}", "the key 'diff' is missing; there is no key at all"),
        ('{"patch": "@@"}', "the key 'diff' is missing; there is 'patch'"),
        ('{"diff": null}', "'diff' is null, not a text"),
        ('{"diff": ["@@"]}', "'diff' is a list, not a text"),
        ({"diff": 5}, "'diff' is a number, not a text"),
        ("[" * 5_000, "they are a text, not an object"),
        ('{"diff": "\\ud83d"}', "Refused: "),
        ('{"diff": "\\u0000", "n": NaN}', "Refused: "),
    ],
    ids=name_of,
)
async def test_the_model_reads_what_is_wrong_with_the_arguments_of_its_tool(
    servers: Servers, http: httpx.AsyncClient, arguments: Any, reason: str
) -> None:
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults(raw(stream(ended(response(call_item(arguments))))), says("I see."))
    message = await send(http, session_id, "Create a triage agent")
    assert (message["status"], message["attempt"], message["content"]) == ("completed", 1, "I see.")
    outputs = [item["output"] for item in (await servers.last_request())["input"] if "output" in item]
    assert len(outputs) == 1
    assert reason in outputs[0]


@pytest.mark.parametrize(
    ("reason", "expected", "attempts"),
    [("max_output_tokens", "answer_cut_off", 1), ("content_filter", "model_refused", 1), (None, "model_misbehaved", 3)],
)
async def test_an_answer_that_ends_early_is_no_answer(
    servers: Servers, http: httpx.AsyncClient, reason: str | None, expected: str, attempts: int
) -> None:
    body = response(text_item("Half a sen"), status="incomplete", incomplete_details={"reason": reason})
    message = await ask(servers, http, raw(stream(ended(body, "incomplete")), times=ALWAYS))
    assert failure(message) == (expected, attempts)
    assert message["token_usage"]["total_tokens"] == attempts * USAGE["total_tokens"]
    named_completed = await ask(servers, http, raw(stream(ended(body)), times=ALWAYS))
    assert failure(named_completed) == (expected, attempts)


async def test_both_agents_answers_are_bounded_and_one_that_reaches_its_bound_says_so(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    message = await ask(servers, http, says("Half a sen", usage={**USAGE, "output_tokens": 2000}))
    assert failure(message) == ("answer_cut_off", 1)
    assert "2,000 tokens" in message["error"]["detail"]
    assert "VIBEWIRE_MAX_OUTPUT_TOKENS" in message["error"]["detail"]
    assert (await servers.last_request())["max_output_tokens"] == 2000
    session_id = (await start_session(http))["session_id"]
    await send(http, session_id, "Create a triage agent")
    assert (await servers.last_request())["max_output_tokens"] == 1024  # the review's


UNREADABLE: list[Json] = [
    raw("<html><body>Welcome</body></html>", content_type="text/html"),
    raw(""),
    raw("[]"),
    raw("data: {no JSON\n\n"),
    raw('data: {"type": "response.completed", "response": ' + '{"a":' * 2_000 + "1" + "}" * 2_001 + "\n\n"),
    raw("no gzip at all", headers={"content-encoding": "gzip"}),
    raw(gzip.compress(stream(ended(HI)).encode(), mtime=0)[:80], headers={"content-encoding": "gzip"}),
    raw("data: " + "x" * 1_000_000, repeat=40),
    raw("{" + "x" * 1_000_000, repeat=10, content_type="application/json"),
    raw(stream(delta("So"))),
    raw("", status=204),
    raw(stream(ended(response(*[call_item("{}") for _ in range(65)])))),
    raw(stream(*[{"type": "response.output_item.done", "item": call_item("{}")} for _ in range(65)], ended(HI))),
    raw(stream(ended(response({**text_item(""), "content": text_item("a")["content"] * 2_000})))),
    raw(json.dumps(response({"type": "x_thing", "x": [[]] * 2_000}))),
]


@pytest.mark.parametrize("fault", UNREADABLE, ids=lambda fault: name_of(fault["body"]))
async def test_an_answer_that_cannot_be_read_is_called_that(
    servers: Servers, http: httpx.AsyncClient, fault: Json
) -> None:
    message = await ask(servers, http, {**fault, "times": ALWAYS})
    assert failure(message) == ("model_misbehaved", 3)
    assert "reached" not in message["error"]["detail"]
