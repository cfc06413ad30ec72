"""The HTTP API's errors for its documents: the codes of each call, the schema of problem details, and examples."""

from typing import Any

from backend.app.api.problem_codes import PROBLEM_CODES
from backend.app.api.route import Route
from backend.contracts.event_examples import SESSION_ID
from shared.problems import problem_details

# Sent by the server itself, for any path: not listed with each call.
CODES_OF_NO_CALL = frozenset(
    {"no_such_path", "method_not_allowed", "foreign_host", "foreign_origin", "answer_too_large"}
)
_ANY_CALL = ("internal_error", "out_of_memory", "storage_full", "storage_unavailable", "storage_damaged")
_TOKEN = ("invalid_token", "keys_unavailable")
_BODY = ("malformed_json", "body_too_large", "unsupported_media_type", "invalid_request")


def status_of(code: str) -> int:
    """The HTTP status that a code always comes with."""
    return PROBLEM_CODES[code].status


def codes_of_call(route: Route) -> list[str]:
    """The codes that a call can answer with, by status and name."""
    codes = {*route.codes, *_ANY_CALL, *(_BODY if route.example is not None else ())}
    return sorted(codes | {*(_TOKEN if route.needs_token else ())}, key=lambda code: (status_of(code), code))


def problem_example(code: str) -> dict[str, Any]:
    """A problem of that code."""
    problem = problem_details(status_of(code), code, PROBLEM_CODES[code].example)
    if code == "too_many_queued_messages":
        problem["session_id"] = SESSION_ID
    if code == "invalid_request":
        problem["errors"] = [{"where": "body.prompt", "what": "Field required"}]
    return problem


def problem_schema() -> dict[str, Any]:
    """The schema of problem details."""
    texts = {
        "type": "`urn:vibewire:problem:` and the code.",
        "title": "The HTTP status as text.",
        "detail": "What is wrong, for people to read.",
    }
    error = {
        "type": "object",
        "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
        "required": ["where", "what"],
    }
    return {
        "type": "object",
        "title": "Problem",
        "description": "Problem details (RFC 9457): the body of every error.",
        "properties": {
            **{name: {"type": "string", "description": text} for name, text in texts.items()},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": sorted(PROBLEM_CODES), "description": "Stable: for programs."},
            "session_id": {"type": "string", "description": "Set if the error is about a session."},
            "errors": {
                "type": "array",
                "items": error,
                "description": "With `invalid_request`: each invalid field and the reason.",
            },
        },
        "required": ["type", "title", "status", "detail", "code"],
    }
