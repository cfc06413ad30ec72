"""What a model's server sends is never trusted: every answer ends its turn visibly, and is read as far as it can be."""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
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
from tests.integration.talk import Json, Servers, check_log, log_of, own_servers, send, start_session

ALWAYS = 100
KEY = "sk-proj-Zk3vQ9wLx71mTnB2"
QUESTION = "Which agents are there?"
HI = response(text_item("hi"))


def name_of(value: object) -> str:
    return str(value)[:60]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("untrusted")


@pytest.fixture(scope="module")
def own(data_dir: Path) -> Iterator[Servers]:
    patience = {"model_timeout_seconds": "1", "model_first_token_seconds": "1"}
    with own_servers(data_dir, openai_api_key=KEY, max_output_tokens="2000", **patience) as servers:
        yield servers
    assert "Traceback" not in servers.process.output, servers.process.output


@pytest.fixture
async def servers(own: Servers) -> AsyncIterator[Servers]:
    yield own
    await own.forget_faults()


@pytest.fixture
async def http(servers: Servers) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=servers.url, timeout=40) as client:
        yield client


async def ask(servers: Servers, http: httpx.AsyncClient, *faults: Json, prompt: str = "Create a triage agent") -> Json:
    """The message that the faults are planned for, ended; whatever they are, it can be read, and the next one works."""
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults(*faults)
    message = await send(http, session_id, prompt)
    await servers.forget_faults()
    assert (message["error"] or {}).get("code") != "internal_error"
    assert (await http.get(f"/messages/{message['message_id']}/full")).status_code == 200
    check_log(await log_of(http, session_id))
    assert (await send(http, session_id, QUESTION))["status"] == "completed"
    return message


def failure(message: Json) -> tuple[str, int]:
    assert message["status"] == "failed"
    return message["error"]["code"], message["attempt"]


def stored_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("agent", ["vibecoder", "evaluator"])
async def test_a_refusal_fails_the_message_at_once_with_the_words_of_the_model(
    servers: Servers, http: httpx.AsyncClient, agent: str
) -> None:
    message = await ask(servers, http, raw(stream(ended(response(refusal_item("I must not.")))), agent=agent))
    assert failure(message) == ("model_refused", 1)
    assert message["error"]["detail"] == "The model refused: I must not."


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


async def test_an_emoji_that_is_split_between_two_deltas_is_whole(servers: Servers, http: httpx.AsyncClient) -> None:
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
    packed = gzip.compress(stream(ended(HI)).encode())
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
    told = message["token_usage"]
    assert message["status"] == "completed"
    assert (told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]) == counted


async def test_cached_and_thinking_tokens_are_told_by_event_message_and_session(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults(says("hi"))
    message = await send(http, session_id, QUESTION)
    session = (await http.get(f"/sessions/{session_id}")).json()
    events = [event for event in await log_of(http, session_id) if event["type"] == "token_usage"]
    for told in (message["token_usage"], session["token_usage"], events[0]):
        assert (told["cached_tokens"], told["reasoning_tokens"]) == (4, 2)


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
    raw(gzip.compress(stream(ended(HI)).encode())[:80], headers={"content-encoding": "gzip"}),
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
async def test_the_key_is_never_told_whatever_the_server_repeats(
    servers: Servers, http: httpx.AsyncClient, data_dir: Path, status: int
) -> None:
    masked = f"{KEY[:8]}************{KEY[-4:]}"
    words = f"Bad key {KEY}, that is {masked}. Authorization: Bearer {KEY} at https://me:{KEY}@host/v1"
    error = {"error": {"message": words, "code": None, "type": words}}
    fault = raw(json.dumps(error), status=status, content_type="application/json", times=ALWAYS)
    message = await ask(servers, http, fault)
    told = json.dumps([message, await log_of(http, message["session_id"])])
    stored = stored_in(data_dir)
    for part in (KEY, KEY[:12], KEY[-12:], masked):
        assert part not in told
        assert part.encode() not in stored
        assert part not in servers.process.output
    if status in (401, 403):
        assert message["error"]["detail"].endswith("Check OPENAI_API_KEY.")
        assert "Bad key" not in told


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


async def test_a_status_is_told_once_and_in_words(servers: Servers, http: httpx.AsyncClient) -> None:
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


async def test_waiting_for_the_models_server_is_told_with_its_reason_and_its_end(
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
    assert 0.2 < waited.total_seconds() < 1
    assert (turn["code"], turn["agent"], turn["iteration"], turn["attempt"]) == ("model_misbehaved", None, None, 1)
