"""What the failures of a model mean: each has a code and words, and says whether it will come again."""

import httpx2
import openai
import pytest
from agents.exceptions import AgentsException, ModelBehaviorError, ModelRefusalError, ModelTimeoutError, UserError

from backend.app.domain.errors import TurnError
from backend.app.programs.models.model_errors import EXPECTED, turn_error
from backend.app.programs.models.reported_errors import reported_error

REQUEST = httpx2.Request("POST", "http://model.example/v1/responses")


class NewSdkError(AgentsException):
    """An error that the SDK of today does not have."""


def status_error(status: int, message: str = "Why.", code: object = None, **headers: str) -> openai.APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = httpx2.Response(status, headers=named, request=REQUEST)
    body = {"message": message, "code": code, "type": None}
    return openai.APIStatusError(f"Error code: {status} - {message}", response=answer, body=body)


def connection_error(cause: Exception) -> openai.APIConnectionError:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


def code_and_retryable(error: TurnError) -> tuple[str, bool]:
    return error.code, error.retryable


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (ModelRefusalError("No."), "model_refused", False),
        (ModelTimeoutError(600), "model_too_slow", False),
        (ModelBehaviorError("odd"), "model_misbehaved", True),
        (UserError("Unhandled item type"), "agent_failed", False),
        (NewSdkError("new"), "agent_failed", False),
        (openai.OpenAIError("no credentials"), "model_refused", False),
        (openai.APITimeoutError(request=REQUEST), "model_unavailable", True),
        (connection_error(httpx2.ConnectError("refused")), "model_unavailable", True),
        (connection_error(httpx2.RemoteProtocolError("incomplete")), "model_unavailable", True),
        (status_error(400), "model_refused", False),
        (status_error(401), "model_refused", False),
        (status_error(404), "model_refused", False),
        (status_error(409), "model_unavailable", True),
        (status_error(429), "model_unavailable", True),
        (status_error(529), "model_unavailable", True),
        (status_error(429, code="insufficient_quota"), "model_quota", False),
        (status_error(400, code="context_length_exceeded"), "context_too_long", False),
        (status_error(400, "This model's maximum context length is 8192 tokens."), "context_too_long", False),
        (status_error(500, x_should_retry="false"), "model_unavailable", False),
    ],
    ids=str,
)
def test_every_expected_failure_has_a_code_and_says_whether_it_may_pass(
    error: Exception, code: str, retryable: bool
) -> None:
    assert isinstance(error, EXPECTED)
    assert code_and_retryable(turn_error(error)) == (code, retryable)


@pytest.mark.parametrize(
    ("code", "kind", "expected", "retryable"),
    [
        ("rate_limit_exceeded", "", "model_unavailable", True),
        ("overloaded_error", "", "model_unavailable", True),
        ("", "", "model_unavailable", True),
        ("brand_new", "", "model_unavailable", True),
        ("brand_new", "invalid_request_error", "model_refused", False),
        ("brand_new", "server_error", "model_unavailable", True),
        ("invalid_image_format", "", "model_refused", False),
        ("image_content_policy_violation", "", "model_refused", False),
        ("model_not_found", "", "model_refused", False),
        ("data_residency_mismatch", "", "model_refused", False),
        ("misalignment_policy_violation", "", "model_refused", False),
        ("billing_not_active", "", "model_quota", False),
        ("422", "", "model_refused", False),
        ("502", "", "model_unavailable", True),
        ("exceed_context_size_error", "", "context_too_long", False),
    ],
)
def test_an_error_in_an_answer_is_judged_by_its_name_its_status_or_its_class(
    code: str, kind: str, expected: str, retryable: bool
) -> None:
    assert code_and_retryable(reported_error(code, kind, "Why.")) == (expected, retryable)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (status_error(400, "No field x."), "The model's server refused the request (400): No field x."),
        (status_error(503, ""), "The model's server answered 503."),
        (connection_error(httpx2.ConnectError("refused")), "The model's server cannot be reached: refused"),
        (connection_error(httpx2.ReadError("")), "The connection to the model's server was lost."),
        (ModelTimeoutError(600), "The model had not finished its response after 600 s."),
        (ModelRefusalError("half \ud83d"), "The model refused: half \ufffd"),
    ],
    ids=str,
)
def test_a_failure_is_explained_once(error: Exception, words: str) -> None:
    assert turn_error(error).detail == words


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "Fri, 27 Nov 2026 10:00:30 GMT", "date": "Fri, 27 Nov 2026 10:00:00 GMT"}, 30),
        ({"retry_after": "Fri, 27 Nov 2026 10:00:00 GMT", "date": "Fri, 27 Nov 2026 10:00:30 GMT"}, 0),
        ({"retry_after": "Fri, 27 Nov 2026 10:00:30 GMT"}, None),
        ({"retry_after": "1000000000"}, 10**9),
        ({"retry_after": "Fri, 27 Nov 99999999999999999999 10:00:30 GMT"}, None),
        ({"retry_after": "Fri, 27 Nov 2026 10:00:30 +99999999999999999999"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "inf"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_how_long_a_server_asks_to_be_left_alone_is_read_in_each_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert turn_error(status_error(429, **headers)).retry_after == seconds
