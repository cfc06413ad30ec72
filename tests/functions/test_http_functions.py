"""The functions of the routes: events of API Gateway in, answers for it out."""

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from backend.app.adapters.aws.completion_waiter import AwsCompletionWaiter
from backend.app.wiring_aws import AwsEngine
from tests.functions.conftest import Functions, Printed
from tests.functions.lambda_events import content_of
from tests.identity.bad_tokens import bad_token
from tests.moto_aws import MotoAws


def test_a_conversation_goes_through_the_functions(functions: Functions, project_id: str, session_id: str) -> None:
    message = functions.call("send_message", 202, session_id=session_id)
    found = functions.call("get_message", message_id=message["message_id"])
    assert (found["status"], found["prompt"]) == ("queued", "Create a triage agent")
    assert functions.call("list_messages", session_id=session_id)["count"] == 1
    assert functions.call("get_full_message", message_id=message["message_id"])["tool_calls"] == []
    assert functions.call("get_session", session_id=session_id)["message_count"] == 1
    assert functions.call("list_sessions", project_id=project_id)["sessions"][0]["session_id"] == session_id
    assert functions.call("cancel_message", message_id=message["message_id"])["status"] == "cancelled"
    events = functions.call("list_events", session_id=session_id)["events"]
    assert [event["type"] for event in events] == ["message_cancelled"]
    assert functions.call("update_project", project_id=project_id, body={"name": "Climate"})["name"] == "Climate"
    assert functions.call("get_project", project_id=project_id)["name"] == "Climate"
    assert functions.call("list_projects")["projects"][0]["project_id"] == project_id
    assert functions.call("list_project_versions", project_id=project_id)["versions"][0]["version"] == 1
    assert functions.call("delete_session", session_id=session_id)["deleted"]
    assert functions.call("delete_project", project_id=project_id)["deleted"]
    assert functions.call("get_project", 404, project_id=project_id)["code"] == "project_not_found"


def test_the_responses_about_a_project_with_many_names_are_bounded(functions: Functions) -> None:
    names = ",".join(chr(0x20000) * 49 + f"{number:04d}" for number in range(50))
    agents = "".join(f"a{number}=Agent(handoffs=L,tools=L)\n" for number in range(200))
    code = f"from agents import Agent\nL=[{names}]\n{agents}"
    created = functions.call("create_project", 201, body={"name": "Much", "code": code})
    path = {"project_id": created["project_id"]}
    assert created["nodes_truncated"]
    assert functions.call("get_project", **path) == created
    patched = functions.call("update_project", **path, body={"code": code + "\n", "base_version": 1})
    assert patched["nodes"] == created["nodes"]
    (entry,) = functions.call("list_projects")["projects"]
    assert not {"code", "nodes"} & entry.keys()


def test_health_names_the_engine_and_asks_for_no_token(functions: Functions) -> None:
    assert functions.call("get_health")["engine"] == "aws"


def test_a_message_that_has_not_ended_has_a_location(functions: Functions, session_id: str) -> None:
    answer = functions.answer("send_message", session_id=session_id)
    message_id = json.loads(answer["body"])["message_id"]
    assert answer["headers"]["location"] == f"/messages/{message_id}"


def test_a_body_in_base64_is_read(functions: Functions) -> None:
    created = functions.call("create_project", 201, body={"name": "Wetter ☂"}, in_base64=True)
    assert created["name"] == "Wetter ☂"


@pytest.mark.parametrize("kind", ["garbage", "another signature", "alg=none", "expired", "for another audience"])
def test_a_bad_token_is_refused(functions: Functions, session_id: str, kind: str) -> None:
    token = bad_token(kind, functions.issuer, "ann")
    answer = functions.answer("get_session", session_id=session_id, token=token)
    assert answer["statusCode"] == 401
    assert answer["headers"]["www-authenticate"] == "Bearer"
    assert not answer["isBase64Encoded"]
    assert json.loads(answer["body"])["code"] == "invalid_token"


def test_a_stranger_finds_nothing(functions: Functions, session_id: str) -> None:
    stranger = functions.issuer.token("stranger")
    refused = functions.call("get_session", 404, session_id=session_id, token=stranger)
    assert refused["code"] == "session_not_found"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("{", 400, "malformed_json"),
        ("{}", 422, "invalid_request"),
        ('{"prompt": " "}', 422, "invalid_input"),
        ('{"prompt": "' + "x" * 40_000 + '"}', 413, "prompt_too_long"),
        ('{"prompt": "' + "x" * 1_100_000 + '"}', 413, "body_too_large"),
    ],
    ids=["malformed", "empty", "blank", "long prompt", "long body"],
)
def test_bad_input_is_refused_with_problem_details(
    functions: Functions, session_id: str, text: str, status: int, code: str
) -> None:
    answer = functions.answer("send_message", session_id=session_id, text=text)
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)


def test_events_are_published_before_the_response(functions: Functions, engine: AwsEngine, session_id: str) -> None:
    functions.call("send_message", 202, session_id=session_id)
    assert functions.run(engine.bus.flush(0))


def test_events_that_cannot_be_published_do_not_affect_the_response(
    functions: Functions, session_id: str, printed: Printed
) -> None:
    async def broken() -> int:
        raise OSError("the network is down")

    functions.flush = broken
    functions.call("get_session", session_id=session_id)
    assert "the network is down" in printed.text


@pytest.mark.parametrize("text", ["x" * 3_900_000, '"' * 1_900_000, "漢" * 1_200_000], ids=["ascii", "quotes", "cjk"])
def test_a_large_response_stays_below_the_runtimes_limit(functions: Functions, session_id: str, text: str) -> None:
    """6 MB as JSON: of text inside of JSON each quote counts twice."""
    message_id = functions.call("send_message", 202, session_id=session_id)["message_id"]
    answer = _answer_with_content(functions, message_id, text)
    assert len(json.dumps(answer)) < 6_000_000
    body = json.loads(content_of(answer))
    assert body["content"] == text
    assert body["href"] is None


def test_a_response_that_is_too_large_has_an_href_instead(functions: Functions, session_id: str) -> None:
    message_id = functions.call("send_message", 202, session_id=session_id)["message_id"]
    answer = _answer_with_content(functions, message_id, "x" * 5_000_000)
    body = json.loads(content_of(answer))
    assert (body["content"], body["href"]) == (None, f"/messages/{message_id}/full")


def _answer_with_content(functions: Functions, message_id: str, content: str) -> Any:
    """The message with another content, as a store would give it."""
    service = functions.services.messages
    found = functions.run(service.get_message("ann", message_id))

    async def get_message(_user_id: str, _message_id: str) -> Any:
        return replace(found, content=content)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(service, "get_message", get_message)
        return functions.answer("get_message", message_id=message_id)


def test_senders_beyond_the_limit_of_waiting_are_answered_immediately_and_their_messages_are_queued(
    functions: Functions, engine: AwsEngine, moto: MotoAws, session_id: str
) -> None:
    async def hold_all_slots() -> AsyncExitStack:
        held = AsyncExitStack()
        for _ in range(moto.settings.wait_slots):
            assert await held.enter_async_context(engine.wait_slots.hold(moto.settings.wait_slots, 25))
        return held

    async def must_not_wait(_watch: AwsCompletionWaiter, _message_id: str, _timeout: float) -> None:
        raise AssertionError("it waits")

    held = functions.run(hold_all_slots())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AwsCompletionWaiter, "wait_for_completion", must_not_wait)
        headers = {"prefer": "wait=20"}
        message = functions.call("send_message", 202, session_id=session_id, body={"prompt": "Hi"}, headers=headers)
    assert functions.call("get_message", message_id=message["message_id"])["status"] == "queued"
    functions.run(held.aclose())
    functions.call("cancel_message", message_id=message["message_id"])
    sent = {"prompt": "Hi", "message_id": message["message_id"]}
    assert (
        functions.call("send_message", 200, session_id=session_id, body=sent, headers=headers)["status"] == "cancelled"
    )
