"""The log lines and metrics of the functions of routes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from backend.app.adapters.aws.session_store import AwsSessionStore
from backend.app.domain.messages.message_service import MessageService
from tests.functions.conftest import Functions, Printed

SECRET = "the launch code is 4711"


def test_each_request_leaves_one_line_with_its_ids(functions: Functions, session_id: str, printed: Printed) -> None:
    message_id = functions.call("send_message", 202, session_id=session_id)["message_id"]
    line = printed.lines[-1]
    assert line["message"] == "POST /sessions/{session_id}/messages: 202"
    assert (line["session_id"], line["message_id"], line["status"]) == (session_id, message_id, 202)
    assert line["request_id"] == "JKJaXmPLvHcESHA="
    assert line["function_request_id"]
    assert line["function"] == "send_message"


def test_the_ids_of_one_request_are_not_in_the_lines_of_the_next(
    functions: Functions, session_id: str, printed: Printed
) -> None:
    functions.call("get_session", session_id=session_id)
    functions.call("list_projects")
    assert "session_id" not in printed.lines[-1]


def test_no_prompt_code_or_token_is_ever_printed(
    functions: Functions, session_id: str, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = functions.issuer.token()
    functions.call("create_project", 201, body={"name": "New", "code": f'x = "{SECRET}"'}, token=token)
    functions.call("create_project", 422, body={"name": "New", "code": f'x = = "{SECRET}"'}, token=token)
    functions.call("send_message", 202, session_id=session_id, body={"prompt": SECRET}, token=token)

    async def broken(_service: MessageService, _user_id: str, _session_id: str, prompt: str, **_: Any) -> None:
        raise ValueError(f"cannot send {prompt!r}")

    monkeypatch.setattr(MessageService, "send_message", broken)
    functions.call("send_message", 500, session_id=session_id, body={"prompt": SECRET}, token=token)
    assert SECRET not in printed.text
    assert token not in printed.text
    assert "builtins.ValueError" in printed.text


def test_a_bug_is_answered_logged_and_counted(
    functions: Functions, session_id: str, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_store: AwsSessionStore, _session_id: str) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(AwsSessionStore, "find_session", broken)
    answer = functions.answer("get_session", session_id=session_id)
    assert answer["statusCode"] == 500
    assert answer["headers"]["content-type"] == "application/problem+json"
    problem = json.loads(answer["body"])
    assert (problem["code"], problem["session_id"]) == ("internal_error", session_id)
    logged = next(line for line in printed.lines if "exception" in line)
    assert logged["level"] == "ERROR"
    assert (logged["exception_name"], logged["session_id"]) == ("RuntimeError", session_id)
    assert "in broken" in logged["exception"]
    assert printed.metrics["Requests5xx"] == 1
    monkeypatch.undo()
    assert functions.call("get_session", session_id=session_id)["session_id"] == session_id


def test_requests_are_counted_by_the_class_of_their_status(
    functions: Functions, session_id: str, printed: Printed
) -> None:
    before = printed.metrics
    for _ in range(3):
        functions.call("get_session", session_id=session_id)
    functions.call("get_session", 404, session_id="01a207ba-1a51-7211-abbd-ebd58bdabe72")
    counted = {name: count - before.get(name, 0) for name, count in printed.metrics.items()}
    assert counted == {"Requests2xx": 3, "Requests4xx": 1}


def test_counts_are_metrics_of_the_stack_and_latency_of_the_function(
    functions: Functions, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "theirs")
    functions.telemetry = replace(functions.telemetry, stack="vibewire-dev")
    functions.call("get_health")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [
        (
            directive["Namespace"],
            metric["Name"],
            [{name: line[name] for name in names} for names in directive["Dimensions"]],
        )
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    ]
    assert found == [
        ("Vibewire", "Requests2xx", [{"stack": "vibewire-dev"}]),
        ("Vibewire", "Latency", [{"stack": "vibewire-dev", "function": "get_health"}]),
    ]
    assert lines[-1]["Latency"][0] > 0
