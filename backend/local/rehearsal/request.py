"""Checking what a client sends, and errors as the API words them."""

from __future__ import annotations

import json

from backend.local.rehearsal.reply import Json

_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


class BadRequestError(Exception):
    """A request body the API would refuse. `body` is what to answer."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.body = error_body(message, "invalid_request_error", param, code)


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> Json:
    """Write an error the way the API does.

    Args:
        message: What a person reads.
        kind: Its `type`.
        param: The field it is about.
        code: What a program reads.

    Returns:
        The JSON body.
    """
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def status_error(status: int, code: str | None = None) -> Json:
    """Write the error body that belongs to an HTTP status.

    Args:
        status: The HTTP status.
        code: Its code, when it is not the usual one.

    Returns:
        The JSON body.
    """
    fallback = ("server_error", None) if status >= 500 else ("invalid_request_error", None)
    kind, usual = _TYPES.get(status, fallback)
    kind = "insufficient_quota" if code == "insufficient_quota" else kind
    return error_body(f"The rehearsal model answers {status} on purpose.", kind, None, code or usual)


def read_request(raw: bytes) -> Json:
    """Parse and check the body of a model call.

    Args:
        raw: The bytes that were sent.

    Returns:
        The body.

    Raises:
        BadRequestError: it is not JSON, or a field is missing or has the wrong type.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadRequestError("We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise BadRequestError("The body of the request must be a JSON object.")
    for field in ("model", "input"):
        if body.get(field) is None:
            message = f"Missing required parameter: '{field}'."
            raise BadRequestError(message, field, "missing_required_parameter")
    _check_types(body)
    for field in ("previous_response_id", "conversation"):
        if body.get(field) is not None:
            raise BadRequestError("The rehearsal model stores nothing: send the whole input.", field, "not_found")
    return body


def _check_types(body: Json) -> None:
    expected: dict[str, type | tuple[type, ...]] = {
        "model": str,
        "input": (str, list),
        "instructions": str,
        "stream": bool,
        "tools": list,
        "text": dict,
        "reasoning": dict,
    }
    for field, kinds in expected.items():
        if body.get(field) is not None and not isinstance(body[field], kinds):
            raise BadRequestError(f"Invalid type for '{field}'.", field, "invalid_type")
    for field in ("input", "tools"):
        values = body.get(field)
        if isinstance(values, list) and not all(isinstance(value, dict) for value in values):
            raise BadRequestError(f"Invalid type for '{field}': expected objects.", field, "invalid_type")
