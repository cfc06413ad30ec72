"""Converts failures of model calls into turn errors, retryable or not."""

from collections.abc import Iterable

import httpx2
import openai
from agents.exceptions import (
    AgentsException,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    ModelTimeoutError,
)

from backend.app.domain.errors import TurnError
from backend.app.domain.storable_text import storable_text
from backend.app.programs.models.model_failures import (
    AnswerCutError,
    ModelFailedError,
    ModelSilentError,
    OtherApiError,
    ReportedError,
)
from backend.app.programs.models.reported_errors import (
    WHICH_SERVER,
    key_refused,
    named_error,
    names_key,
    reported_error,
    shown,
    status_error,
    tail,
    unavailable,
)
from backend.app.programs.models.retry_after import retry_after

# The base classes of all that the SDK and the client raise for a failed call.
EXPECTED = (AgentsException, openai.OpenAIError, httpx2.HTTPError, ModelFailedError)


def turn_error(error: Exception, secrets: Iterable[str] = ()) -> TurnError:
    """Convert an expected failure of a model (one of EXPECTED) into the turn's error.

    Args:
        error: what was raised.
        secrets: the secrets to redact in the server's message, such as the API key.
    """
    secrets = tuple(secrets)
    if isinstance(error, ModelFailedError):
        return _failed_call(error, secrets)
    if isinstance(error, AgentsException):
        return _sdk_error(error, secrets)
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, secrets)
    if isinstance(error, openai.APITimeoutError):
        return unavailable("The model's server cannot be reached: no connection in time.")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        return _broken_connection(error, secrets)
    if isinstance(error, openai.APIError):
        return reported_error(error.code or "", error.type or "", error.message, secrets)
    return TurnError("model_refused", f"The model cannot be called: {shown(str(error), secrets)}", retryable=False)


def is_key_refusal(error: Exception) -> bool:
    """Whether the model's server refused the key or its permissions."""
    if isinstance(error, ReportedError):
        return names_key([error.code.lower(), error.kind.lower()])
    return isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError)


def _failed_call(error: ModelFailedError, secrets: tuple[str, ...]) -> TurnError:
    if isinstance(error, ReportedError):
        return reported_error(error.code, error.kind, error.words, secrets)
    if isinstance(error, ModelSilentError):
        since = "stopped in the middle of its answer and sent nothing more" if error.answering else "sent nothing"
        return TurnError("model_silent", f"The model's server {since} for {error.seconds:g} s.", retryable=True)
    if isinstance(error, AnswerCutError):
        return _cut_answer(error)
    if isinstance(error, OtherApiError):
        detail = f"The server at OPENAI_BASE_URL answers in the {error.api}. {WHICH_SERVER}"
        return TurnError("model_refused", detail, retryable=False)
    return TurnError("model_misbehaved", f"The model's answer cannot be read: {error}.", retryable=True)


def _cut_answer(error: AnswerCutError) -> TurnError:
    if error.reason == "max_output_tokens":
        length = f" after {error.tokens:,} tokens" if error.tokens else ""
        detail = (
            f"The model's answer was cut off at its limit{length}. "
            "Ask for a smaller change, or increase VIBEWIRE_MAX_OUTPUT_TOKENS."
        )
        return TurnError("answer_cut_off", detail, retryable=False)
    if error.reason == "content_filter":
        return TurnError("model_refused", "A content filter of the model's server stopped the answer.", retryable=False)
    reason = f": {storable_text(error.reason)[:80]}" if error.reason else ""
    return TurnError("model_misbehaved", f"The model's answer ended before it was complete{reason}.", retryable=True)


def _sdk_error(error: AgentsException, secrets: tuple[str, ...]) -> TurnError:
    if isinstance(error, MaxTurnsExceeded):
        return TurnError("too_many_steps", "VibeCoder took too many steps without an answer.", retryable=False)
    if isinstance(error, ModelRefusalError):
        return TurnError("model_refused", f"The model refused{tail(shown(error.refusal, secrets))}", retryable=False)
    if isinstance(error, ModelTimeoutError):
        detail = f"The model had not finished its response after {error.timeout_seconds:g} s."
        return TurnError("model_too_slow", detail, retryable=False)
    if isinstance(error, ModelBehaviorError):
        detail = f"The model's answer cannot be used{tail(shown(str(error), secrets))}"
        return TurnError("model_misbehaved", detail, retryable=True)
    # Other errors of the SDK are caused by the arguments of the call, so a retry does not help.
    detail = f"The agent cannot be run: {shown(str(error), secrets) or type(error).__name__}"
    return TurnError("agent_failed", detail, retryable=False)


def _status_error(error: openai.APIStatusError, secrets: tuple[str, ...]) -> TurnError:
    status = error.status_code
    if status in (401, 403):
        return key_refused(status)
    said = shown(_said(error), secrets)
    names = [name.lower() for name in (error.code, error.type) if isinstance(name, str)]
    found = named_error(names, said) or status_error(status, said)
    if (asked := error.response.headers.get("x-should-retry")) in ("true", "false"):
        found.retryable = asked == "true"
    found.retry_after = retry_after(error.response.headers)
    return found


def _broken_connection(error: openai.APIConnectionError | httpx2.HTTPError, secrets: tuple[str, ...]) -> TurnError:
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
    said = tail(shown(str(cause), secrets))
    if isinstance(cause, httpx2.ReadError | httpx2.RemoteProtocolError | httpx2.WriteError):
        return unavailable(f"The connection to the model's server was lost{said}")
    if isinstance(cause, httpx2.DecodingError):
        return TurnError(
            "model_misbehaved", "The model's answer cannot be read: its compression is broken.", retryable=True
        )
    return unavailable(f"The model's server cannot be reached{said}")


def _said(error: openai.APIStatusError) -> str:
    """The server's message; the client's own text would repeat the status before it."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        words = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
        return words if isinstance(words, str) else ""
    # The first lines of an HTML page, sent by some proxy, are no message.
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""
