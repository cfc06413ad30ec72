"""Converts errors that a model's server reports, by their codes or status, into turn errors."""

from collections.abc import Iterable

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
from backend.app.programs.models.redaction import redact

WHICH_SERVER = (
    "Only the Responses API is supported: set OPENAI_BASE_URL to the base URL of a server that has `POST /responses` "
    "(such as http://host/v1), or to a proxy that translates to this server's API."
)
_MAX_CHARACTERS = 300
_TEMPORARY_STATUS = frozenset({408, 409, 425, 429})


def reported_error(code: str, kind: str, words: str, secrets: Iterable[str] = ()) -> TurnError:
    """Convert an error that a model's server reported within its response.

    Args:
        code: the error code, or a status; may be empty.
        kind: the server's type of the error; may be empty.
        words: its message.
        secrets: see turn_error.
    """
    names = [name.strip().lower() for name in (code, kind) if name.strip()]
    said = shown(words, secrets)
    status = next((int(name) for name in names if name.isdigit() and len(name) == 3), None)
    if names_key(names):
        return key_refused(status)
    if (error := named_error(names, said)) is not None:
        return error
    if status is not None:
        return status_error(status, said)
    for name in names:
        if name in PASSING_CODES:
            break
        if LASTING_CODE.search(name):
            detail = f"The model's server refused the request{tail(said or shown(name, secrets))}"
            return TurnError("model_refused", detail, retryable=False)
    return unavailable(f"The model's server failed during its response{tail(said or shown(code or kind, secrets))}")


def names_key(names: list[str]) -> bool:
    """Whether one of an error's codes means that the key was refused."""
    return any(name in KEY_CODES or name in ("401", "403") for name in names)


def named_error(names: list[str], said: str) -> TurnError | None:
    """The turn's error for codes with the same meaning in any status; None for other codes."""
    if any(name in QUOTA_CODES for name in names):
        return TurnError("model_quota", "The quota of the model's account is used up.", retryable=False)
    if any(name in CONTEXT_CODES for name in names) or CONTEXT_WORDS.search(said):
        detail = (
            "The conversation and the code do not fit into the model's context window. "
            "Start a new session, or shorten the code."
        )
        if said:
            detail = f"{detail} The model's server says: {said}"
        return TurnError("context_too_long", detail, retryable=False)
    return None


def status_error(status: int, said: str) -> TurnError:
    """The turn's error for an HTTP status and the server's message."""
    if status in _TEMPORARY_STATUS or status >= 500:
        return unavailable(f"The model's server answered {status}{tail(said)}")
    if status in (301, 302, 303, 307, 308):
        detail = (
            f"The model's server redirects to another address ({status}). Set OPENAI_BASE_URL to where it is: "
            "the conversation is sent nowhere else."
        )
        return TurnError("model_refused", detail, retryable=False)
    refused = f"The model's server refused the request ({status}){tail(said)}"
    if status in (404, 405) and "model" not in said.lower():
        refused = f"{refused.rstrip('.')}. There may be no Responses API at OPENAI_BASE_URL. {WHICH_SERVER}"
    return TurnError("model_refused", refused, retryable=False)


def key_refused(status: int | None) -> TurnError:
    """The turn's error for a refused key, without the server's message, which may contain the key in any form."""
    number = "" if status is None else f" ({status})"
    allowed = "refused the API key" if status != 403 else "does not allow this with the API key"
    return TurnError("model_refused", f"The model's server {allowed}{number}. Check OPENAI_API_KEY.", retryable=False)


def unavailable(detail: str) -> TurnError:
    """A retryable error: the model cannot be used now."""
    return TurnError("model_unavailable", detail, retryable=True)


def shown(text: str, secrets: Iterable[str]) -> str:
    """A server's message as it is shown to users: redacted, on one line and short."""
    said = redact(" ".join(storable_text(text[:20_000]).split()), secrets)
    return said if len(said) <= _MAX_CHARACTERS else f"{said[: _MAX_CHARACTERS - 3]}..."


def tail(said: str) -> str:
    """The end of a sentence: the text after a colon, or a full stop."""
    return f": {said}" if said else "."
