"""Every fault of the model ends visibly: what passes is overcome, what stays fails its message, and nothing lingers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.integration.talk import Json, Servers, check_log, log_of, own_servers, send, start_session

pytestmark = pytest.mark.long

PROMPT = "Create a triage agent"
QUESTION = "Which agents are there?"
ALWAYS = 1_000

# Overcome by calling the model again, before the attempt is over.
REPEATED_CALLS: list[Json] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 429, "retry_after": 0.05},
    {"kind": "cut_before"},
    {"kind": "cut_before", "after_headers": True},
    {"kind": "error_event"},
]
# Reported to the model, which then corrects it.
CORRECTED: list[Json] = [{"kind": "unknown_tool"}, {"kind": "bad_patch"}]
# Recovered by another attempt. The last two unusable responses have their usage.
SECOND_ATTEMPTS: list[Json] = [
    {"kind": "cut_mid_stream"},
    {"kind": "cut_mid_stream", "skip": 1},
    {"kind": "clean_eof"},
    {"kind": "malformed_json"},
    {"kind": "stall"},
    {"kind": "failed"},
    {"kind": "bad_review", "agent": "evaluator"},
]
REFUSALS: list[tuple[Json, str]] = [
    ({"kind": "status", "status": 400}, "model_refused"),
    ({"kind": "status", "status": 401}, "model_refused"),
    ({"kind": "status", "status": 429, "code": "insufficient_quota"}, "model_quota"),
    ({"kind": "incomplete"}, "answer_cut_off"),
    ({"kind": "tool_loop", "times": ALWAYS}, "too_many_steps"),
    ({"kind": "bad_patch", "times": ALWAYS}, "too_many_steps"),
]
PERSISTENT: list[tuple[Json, str]] = [
    ({"kind": "status", "status": 503, "retry_after": 0.05}, "model_unavailable"),
    ({"kind": "malformed_json"}, "model_misbehaved"),
    ({"kind": "bad_review", "agent": "evaluator"}, "model_misbehaved"),
]


def name_of(value: object) -> str:
    return "-".join(map(str, value.values())) if isinstance(value, dict) else str(value)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with own_servers(
        tmp_path_factory.mktemp("faults"), model_timeout_seconds="1", model_first_token_seconds="1"
    ) as servers:
        yield servers


@pytest.fixture
def server_url(servers: Servers) -> str:
    return servers.url


@dataclass(frozen=True)
class Faced:
    """What became of a message whose model failed, and what the log says of it."""

    message: Json
    events: list[Json]
    calls: int

    @property
    def names(self) -> list[str]:
        return [event["type"] for event in self.events]


def tokens_in(events: list[Json]) -> int:
    return sum(event["total_tokens"] for event in events if event["type"] == "token_usage")


async def face(servers: Servers, http: httpx.AsyncClient, fault: Json) -> Faced:
    """Send a message into a fault, and see to what holds whatever the fault; a question shows what is remembered."""
    session_id = (await start_session(http))["session_id"]
    before, printed = await servers.counts(), len(servers.process.output)
    await servers.plan_faults(fault)
    message = await send(http, session_id, PROMPT)
    await servers.drop_faults()
    after, events = await servers.counts(), await log_of(http, session_id)
    assert message["status"] in ("completed", "failed")
    check_log(events)
    assert after["faults"] > before["faults"]
    # What was served is counted, that of broken attempts too: by the message, its last event and its usage events.
    served = after["tokens"] - before["tokens"]
    assert served == message["token_usage"]["total_tokens"] == events[-1]["token_usage"]["total_tokens"]
    assert served == tokens_in(events)
    full = (await http.get(f"/messages/{message['message_id']}/full")).json()
    assert served == sum(one["usage"]["total_tokens"] for one in full["openai_response"]["responses"])
    await check_memory(servers, http, message)
    assert "Traceback" not in servers.process.output[printed:]
    return Faced(message, events, after["calls"] - before["calls"])


async def check_memory(servers: Servers, http: httpx.AsyncClient, message: Json) -> None:
    """The next message works, and the model is shown what was completed, once, and nothing else."""
    following = await send(http, message["session_id"], QUESTION)
    assert following["status"] == "completed"
    request = await servers.last_request()
    asked: list[Any] = [item["content"] for item in request["input"] if item.get("role") == "user"]
    completed = message["status"] == "completed"
    assert asked == ([PROMPT, QUESTION] if completed else [QUESTION])
    calls = [item["call_id"] for item in request["input"] if item.get("type") == "function_call"]
    answers = [item["call_id"] for item in request["input"] if item.get("type") == "function_call_output"]
    assert calls == answers
    assert bool(calls) is completed
    project = (await http.get(f"/projects/{message['project_id']}")).json()
    assert project["version"] == (2 if completed else 1)
    check_log(await log_of(http, message["session_id"]))


@pytest.mark.parametrize("fault", REPEATED_CALLS, ids=name_of)
async def test_a_call_that_fails_before_the_model_answers_is_made_again(
    servers: Servers, http: httpx.AsyncClient, fault: Json
) -> None:
    faced = await face(servers, http, fault)
    assert (faced.message["status"], faced.message["attempt"], faced.calls) == ("completed", 1, 4)


@pytest.mark.parametrize("fault", CORRECTED, ids=name_of)
async def test_a_mistake_of_the_model_is_reported_to_it_and_corrected(
    servers: Servers, http: httpx.AsyncClient, fault: Json
) -> None:
    faced = await face(servers, http, fault)
    assert (faced.message["status"], faced.message["attempt"]) == ("completed", 1)
    assert faced.names.count("token_usage") == faced.calls == 4


@pytest.mark.parametrize("fault", SECOND_ATTEMPTS, ids=name_of)
async def test_an_answer_that_breaks_off_or_is_no_use_begins_the_turn_again(
    servers: Servers, http: httpx.AsyncClient, fault: Json
) -> None:
    faced = await face(servers, http, fault)
    assert (faced.message["status"], faced.message["attempt"]) == ("completed", 2)
    assert faced.names.count("message_started") == 2
    assert faced.names[-1] == "vibecode_response"


@pytest.mark.parametrize(("fault", "code"), REFUSALS, ids=name_of)
async def test_an_error_that_no_retry_can_pass_fails_the_message_without_one(
    servers: Servers, http: httpx.AsyncClient, fault: Json, code: str
) -> None:
    faced = await face(servers, http, fault)
    assert (faced.message["status"], faced.message["attempt"]) == ("failed", 1)
    assert faced.message["error"]["code"] == code
    last = faced.events[-1]
    assert (last["type"], last["code"], last["detail"]) == ("message_failed", code, faced.message["error"]["detail"])
    assert faced.message["content"] is faced.message["patch"] is faced.message["version"] is None


@pytest.mark.parametrize(("fault", "code"), PERSISTENT, ids=name_of)
async def test_what_does_not_pass_fails_the_message_after_three_attempts(
    servers: Servers, http: httpx.AsyncClient, fault: Json, code: str
) -> None:
    faced = await face(servers, http, {**fault, "times": ALWAYS})
    assert (faced.message["status"], faced.message["attempt"]) == ("failed", 3)
    assert faced.message["error"]["code"] == code
    assert faced.names.count("message_started") == 3
    assert faced.names[-1] == "message_failed"


# VibeCoder's patch, its closing words, and the review.
CALLS = [0, 1, 2]
PASSING = [*REPEATED_CALLS, *(fault for fault in SECOND_ATTEMPTS if not fault.keys() & {"skip", "agent"})]


@pytest.mark.parametrize("skip", CALLS)
@pytest.mark.parametrize("fault", PASSING, ids=name_of)
async def test_a_passing_fault_at_any_call_of_a_turn_is_overcome(
    servers: Servers, http: httpx.AsyncClient, fault: Json, skip: int
) -> None:
    faced = await face(servers, http, {**fault, "skip": skip})
    assert (faced.message["status"], faced.names.count("vibecode_response")) == ("completed", 1)


@pytest.mark.parametrize("skip", CALLS)
@pytest.mark.parametrize(("fault", "code"), REFUSALS[:4], ids=name_of)
async def test_a_refusal_at_any_call_of_a_turn_fails_it_without_a_retry(
    servers: Servers, http: httpx.AsyncClient, fault: Json, code: str, skip: int
) -> None:
    faced = await face(servers, http, {**fault, "skip": skip})
    assert (faced.message["error"]["code"], faced.message["attempt"]) == (code, 1)
    assert faced.names[-1] == "message_failed"
