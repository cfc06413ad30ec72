"""What the agents' failures mean for a turn: which pass by, and which will come again."""

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime

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
from backend.app.programs.models.model_error_codes import (
    CONTEXT_CODES,
    CONTEXT_WORDS,
    KEY_CODES,
    LASTING_CODE,
    PASSING_CODES,
    QUOTA_CODES,
)
from backend.app.programs.models.model_failures import (
    AnswerCutError,
    ModelFailedError,
    ModelSilentError,
    OtherApiError,
    ReportedError,
)
from backend.app.programs.models.redaction import redact

# Whatever the SDK and the client raise for a call that failed, in this version and the next.
EXPECTED = (AgentsException, openai.OpenAIError, httpx2.HTTPError, ModelFailedError)

_WHICH_SERVER = (
    "Only the Responses API is spoken here: set OPENAI_BASE_URL to the base URL of a server that has `POST /responses` "
    "(such as http://host/v1), or put a proxy that translates before this one."
)
_WORDS_CHARACTERS = 300
_PASSING_STATUS = frozenset({408, 409, 425, 429})


def turn_error(error: Exception, secrets: Iterable[str] = ()) -> TurnError:
    """What an expected failure of a model (one of EXPECTED) means for the turn.

    Args:
        error: what was raised.
        secrets: what must not be repeated from the server's words: the API key as it is now.
    """
    secrets = tuple(secrets)
    if isinstance(error, ModelFailedError):
        return _failed_call(error, secrets)
    if isinstance(error, AgentsException):
        return _sdk_error(error, secrets)
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, secrets)
    if isinstance(error, openai.APITimeoutError):
        return _unavailable("The model's server cannot be reached: no connection in time.")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        return _broken_connection(error, secrets)
    if isinstance(error, openai.APIError):
        return reported_error(error.code or "", error.type or "", error.message, secrets)
    return TurnError("model_refused", f"The model cannot be called: {_words(str(error), secrets)}", retryable=False)


def is_key_refusal(error: Exception) -> bool:
    """Whether the model's server refused the key, or what the key may do."""
    if isinstance(error, ReportedError):
        return _names_key([error.code.lower(), error.kind.lower()])
    return isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError)


def reported_error(code: str, kind: str, words: str, secrets: Iterable[str] = ()) -> TurnError:
    """What an error means that a model's server reported in the middle of its answer.

    Args:
        code: its name, or a status; may be empty.
        kind: the class that the server counts it to; may be empty.
        words: what it says.
        secrets: see turn_error.
    """
    names = [name.strip().lower() for name in (code, kind) if name.strip()]
    said = _words(words, secrets)
    status = next((int(name) for name in names if name.isdigit() and len(name) == 3), None)
    if _names_key(names):
        return _key_refused(status)
    if (error := _named_error(names, said)) is not None:
        return error
    if status is not None:
        return _by_status(status, said)
    for name in names:
        if name in PASSING_CODES:
            break
        if LASTING_CODE.search(name):
            detail = f"The model's server refused the request{_tail(said or _words(name, secrets))}"
            return TurnError("model_refused", detail, retryable=False)
    return _unavailable(f"The model's server failed while it answered{_tail(said or _words(code or kind, secrets))}")


def _names_key(names: list[str]) -> bool:
    return any(name in KEY_CODES or name in ("401", "403") for name in names)


def _named_error(names: list[str], said: str) -> TurnError | None:
    """What some errors mean whatever their status."""
    if any(name in QUOTA_CODES for name in names):
        return TurnError("model_quota", "The quota of the model's account is spent.", retryable=False)
    if any(name in CONTEXT_CODES for name in names) or CONTEXT_WORDS.search(said):
        detail = (
            "The conversation and the code are more than the model can read at once. "
            "Start a new session, or shorten the code."
        )
        if said:
            detail = f"{detail} The model's server says: {said}"
        return TurnError("context_too_long", detail, retryable=False)
    return None


def _failed_call(error: ModelFailedError, secrets: tuple[str, ...]) -> TurnError:
    if isinstance(error, ReportedError):
        return reported_error(error.code, error.kind, error.words, secrets)
    if isinstance(error, ModelSilentError):
        since = "stopped in the middle of its answer and sent nothing more" if error.answering else "sent nothing"
        return TurnError("model_silent", f"The model's server {since} for {error.seconds:g} s.", retryable=True)
    if isinstance(error, AnswerCutError):
        return _cut_answer(error)
    if isinstance(error, OtherApiError):
        detail = f"The server at OPENAI_BASE_URL answers in the {error.api}. {_WHICH_SERVER}"
        return TurnError("model_refused", detail, retryable=False)
    return TurnError("model_misbehaved", f"The model's answer cannot be read: {error}.", retryable=True)


def _cut_answer(error: AnswerCutError) -> TurnError:
    if error.reason == "max_output_tokens":
        length = f" after {error.tokens:,} tokens" if error.tokens else ""
        detail = (
            f"The model's answer was cut off at its limit{length}. "
            "Ask for less at once, or have VIBEWIRE_MAX_OUTPUT_TOKENS raised."
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
        return TurnError("model_refused", f"The model refused{_tail(_words(error.refusal, secrets))}", retryable=False)
    if isinstance(error, ModelTimeoutError):
        detail = f"The model was not done with one answer after {error.timeout_seconds:g} s."
        return TurnError("model_too_slow", detail, retryable=False)
    if isinstance(error, ModelBehaviorError):
        detail = f"The model's answer cannot be used{_tail(_words(str(error), secrets))}"
        return TurnError("model_misbehaved", detail, retryable=True)
    # What else the SDK raises is about how it was called, and comes again with the same call.
    detail = f"The agent cannot be run: {_words(str(error), secrets) or type(error).__name__}"
    return TurnError("agent_failed", detail, retryable=False)


def _status_error(error: openai.APIStatusError, secrets: tuple[str, ...]) -> TurnError:
    status = error.status_code
    if status in (401, 403):
        return _key_refused(status)
    said = _words(_said(error), secrets)
    names = [name.lower() for name in (error.code, error.type) if isinstance(name, str)]
    found = _named_error(names, said) or _by_status(status, said)
    if (asked := error.response.headers.get("x-should-retry")) in ("true", "false"):
        found.retryable = asked == "true"
    found.retry_after = retry_after(error.response.headers)
    return found


def _by_status(status: int, said: str) -> TurnError:
    if status in _PASSING_STATUS or status >= 500:
        return _unavailable(f"The model's server answered {status}{_tail(said)}")
    if status in (301, 302, 303, 307, 308):
        detail = (
            f"The model's server redirects to another address ({status}). Set OPENAI_BASE_URL to where it is: "
            "the conversation is sent nowhere else."
        )
        return TurnError("model_refused", detail, retryable=False)
    refused = f"The model's server refused the request ({status}){_tail(said)}"
    if status in (404, 405) and "model" not in said.lower():
        refused = f"{refused.rstrip('.')}. There may be no Responses API at OPENAI_BASE_URL. {_WHICH_SERVER}"
    return TurnError("model_refused", refused, retryable=False)


def _key_refused(status: int | None) -> TurnError:
    """Nothing of what the server says: it may repeat the key, in whatever form."""
    number = "" if status is None else f" ({status})"
    allowed = "refused the API key" if status != 403 else "does not allow this with the API key"
    return TurnError("model_refused", f"The model's server {allowed}{number}. Check OPENAI_API_KEY.", retryable=False)


def _broken_connection(error: openai.APIConnectionError | httpx2.HTTPError, secrets: tuple[str, ...]) -> TurnError:
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
    said = _tail(_words(str(cause), secrets))
    if isinstance(cause, httpx2.ReadError | httpx2.RemoteProtocolError | httpx2.WriteError):
        return _unavailable(f"The connection to the model's server broke off{said}")
    if isinstance(cause, httpx2.DecodingError):
        return TurnError(
            "model_misbehaved", "The model's answer cannot be read: its compression is broken.", retryable=True
        )
    return _unavailable(f"The model's server cannot be reached{said}")


def _unavailable(detail: str) -> TurnError:
    return TurnError("model_unavailable", detail, retryable=True)


def _said(error: openai.APIStatusError) -> str:
    """The server's words alone: the client's own text puts the status before them once more."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        words = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
        return words if isinstance(words, str) else ""
    # A page for people, of some proxy on the way, says nothing in its first lines.
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


def retry_after(headers: httpx2.Headers) -> float | None:
    """The seconds of a Retry-After: a number, or how long after the answer's own date it is; or None."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,99}(?:\.[0-9]{1,99})?", value):
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):  # no date at all, or only one of the two with a time zone
        return None
    return max(0.0, wait.total_seconds())


def _words(text: str, secrets: Iterable[str]) -> str:
    said = redact(" ".join(storable_text(text[:20_000]).split()), secrets)
    return said if len(said) <= _WORDS_CHARACTERS else f"{said[: _WORDS_CHARACTERS - 3]}..."


def _tail(said: str) -> str:
    """Words after a colon, as the end of a sentence."""
    return f": {said}" if said else "."
