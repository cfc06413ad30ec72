"""The errors of the HTTP API: which codes a call can answer with, and what one looks like."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from backend.app.api.errors import STATUS_OF_CODE
from backend.contracts.event_examples import SESSION_ID
from shared.problems import problem_details

# Of what is not the domain's; the domain's are in STATUS_OF_CODE.
STATUS_OF_OTHER_CODE = {
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "invalid_token": HTTPStatus.UNAUTHORIZED,
    "foreign_origin": HTTPStatus.FORBIDDEN,
    "no_such_path": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "foreign_host": HTTPStatus.MISDIRECTED_REQUEST,
    "invalid_request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "out_of_memory": HTTPStatus.SERVICE_UNAVAILABLE,
    "keys_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
# The answers of the server itself, whatever was called: not listed with each call.
CODES_OF_NO_CALL = frozenset({"no_such_path", "method_not_allowed", "foreign_host", "foreign_origin"})

_CODE_INPUT = ("invalid_code", "code_too_large")
_PAGE = ("invalid_request", "invalid_cursor")
# By the name of the call; a call with a body has also the codes of _BODY, and each that needs a token those of _TOKEN.
_CODES_OF_CALL = {
    "create_project": _CODE_INPUT,
    "list_projects": _PAGE,
    "get_project": ("project_not_found", "version_not_found", "invalid_request"),
    "update_project": (
        "project_not_found",
        "owner_only",
        "invalid_input",
        *_CODE_INPUT,
        "too_many_members",
        "stale_version",
    ),
    "delete_project": ("project_not_found", "owner_only"),
    "list_project_versions": ("project_not_found", *_PAGE),
    "start_session": ("project_not_found", "invalid_node_id"),
    "list_sessions": ("project_not_found", *_PAGE),
    "get_session": ("session_not_found",),
    "delete_session": ("session_not_found",),
    "list_events": ("session_not_found", "invalid_request"),
    "send_message": (
        "session_not_found",
        "invalid_input",
        "two_message_ids",
        "prompt_too_long",
        "message_id_conflict",
        "too_many_queued_messages",
    ),
    "list_messages": ("session_not_found", *_PAGE),
    "get_message": ("message_not_found",),
    "get_full_message": ("message_not_found", "response_not_found", "invalid_input", "invalid_request"),
    "cancel_message": ("message_not_found", "event_log_busy"),
    "get_health": (),
}
_TOKEN = {"invalid_token", "keys_unavailable"}
_ANY_CALL = ("internal_error", "out_of_memory", "storage_full", "storage_unavailable", "storage_damaged")
_BODY = ("malformed_json", "body_too_large", "unsupported_media_type", "invalid_request")

_DETAILS = {
    "project_not_found": "There is no project 01a20790-0000-7000-8000-000000000000 that you may use.",
    "version_not_found": "Project 01a20790-d004-775e-923b-29a3f1bfc4b9 has no version 9; it is at 2.",
    "session_not_found": "There is no session 01a20790-0000-7000-8000-000000000000 that you may use.",
    "message_not_found": "There is no message 01a20790-0000-7000-8000-000000000000 that you may use.",
    "response_not_found": "The message has no model response resp_0.",
    "owner_only": "Only the owner of a project may share it.",
    "invalid_input": "The prompt is empty: it has no visible character.",
    "invalid_code": "The code is not Python: line 3: '(' was never closed",
    "invalid_cursor": "The cursor is not one of this list: use the `next_cursor` of the page before.",
    "invalid_node_id": "A node id is the name of an agent's variable: letters, digits, '_', '.' and '-', at most 200 "
    "bytes of UTF-8; it begins with a letter, a digit or '_'.",
    "two_message_ids": "Send either `message_id` or an `Idempotency-Key`, not both.",
    "code_too_large": "The code has 300000 bytes; at most 262144 are allowed.",
    "prompt_too_long": "The prompt has 40000 bytes; at most 32000 are allowed.",
    "too_many_members": "A project is shared with at most 50 people; these are 51.",
    "stale_version": "The code is at version 3, not 2: read it again.",
    "message_id_conflict": "The message 01a20790 was sent before with another prompt. Use another id.",
    "event_log_busy": "Others keep writing to this session's event log. Try again in a few seconds.",
    "too_many_queued_messages": "20 messages wait in this session; send the next when one has ended.",
    "storage_full": "The disk of the server is full; nothing was changed. Make room, then try again.",
    "storage_unavailable": "The store of the server cannot be used now (SQLITE_BUSY); nothing was changed. "
    "Try again later.",
    "storage_damaged": "The store of the server is damaged (SQLITE_CORRUPT). The server's operator must restore a "
    "backup.",
    "malformed_json": "The body is not JSON.",
    "invalid_token": "The token has expired.",
    "body_too_large": "The body may have at most 1000000 bytes.",
    "unsupported_media_type": "A compressed body is not read: send it without `Content-Encoding`.",
    "invalid_request": "body.prompt: Field required",
    "out_of_memory": "The server has too little memory left for this; nothing was changed. Try again later.",
    "internal_error": "Something is broken here; the log has it.",
    "keys_unavailable": "The issuer's keys cannot be fetched now; try again.",
}


def status_of(code: str) -> int:
    """The HTTP status that a code always comes with."""
    return int(STATUS_OF_CODE.get(code) or STATUS_OF_OTHER_CODE[code])


def all_codes() -> list[str]:
    """Every code that an answer can have, sorted."""
    return sorted({*STATUS_OF_CODE, *STATUS_OF_OTHER_CODE})


def codes_of_call(name: str, *, takes_body: bool, needs_token: bool) -> list[str]:
    """The codes that a call can answer with, by status and name."""
    codes = {*_CODES_OF_CALL[name], *_ANY_CALL, *(_BODY if takes_body else ())}
    return sorted(codes | (_TOKEN if needs_token else set()), key=lambda code: (status_of(code), code))


def problem_example(code: str) -> dict[str, Any]:
    """A problem of that code."""
    problem = problem_details(status_of(code), code, _DETAILS[code])
    if code == "too_many_queued_messages":
        problem["session_id"] = SESSION_ID
    if code == "invalid_request":
        problem["errors"] = [{"where": "body.prompt", "what": "Field required"}]
    return problem


def problem_schema(codes: Iterable[str]) -> dict[str, Any]:
    """The schema of problem details."""
    texts = {
        "type": "`urn:vibewire:problem:` and the code.",
        "title": "The status in words.",
        "detail": "For people: what is wrong.",
    }
    error = {
        "type": "object",
        "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
        "required": ["where", "what"],
    }
    return {
        "type": "object",
        "title": "Problem",
        "description": "Problem details (RFC 9457): every answer that is an error.",
        "properties": {
            **{name: {"type": "string", "description": text} for name, text in texts.items()},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(codes), "description": "Stable: for programs."},
            "session_id": {"type": "string", "description": "Where the error is about a session."},
            "errors": {"type": "array", "items": error, "description": "With `invalid_request`: what is wrong where."},
        },
        "required": ["type", "title", "status", "detail", "code"],
    }
