"""Checking what a client sends, and errors as the API words them."""

import json

from backend.local.demo_model.response import Json

_CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "input": (str, list),
    "instructions": str,
    "stream": bool,
    "tools": list,
    "text": dict,
    "reasoning": dict,
}


class BadRequestError(Exception):
    """A request body that the API would refuse. `body` is what to answer."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.body = error_body(message, "invalid_request_error", param, code)


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> Json:
    """An error as the API writes it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def status_error(status: int, code: str | None = None) -> Json:
    """The error body of an HTTP status, with its usual code unless another is given."""
    fallback = ("server_error", None) if status >= 500 else ("invalid_request_error", None)
    kind, usual = _CODES.get(status, fallback)
    kind = "insufficient_quota" if code == "insufficient_quota" else kind
    return error_body(f"The model answers {status} on purpose.", kind, None, code or usual)


def read_request(raw: bytes) -> Json:
    """Parse and check the body of a model call. Raises BadRequestError."""
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
            raise BadRequestError("This model stores nothing: send all of the input.", field, "not_found")
    return body


def _check_types(body: Json) -> None:
    for field, kinds in _TYPES.items():
        if body.get(field) is not None and not isinstance(body[field], kinds):
            raise BadRequestError(f"Invalid type for '{field}'.", field, "invalid_type")
    for field in ("input", "tools"):
        values = body.get(field)
        if isinstance(values, list) and not all(isinstance(value, dict) for value in values):
            raise BadRequestError(f"Invalid type for '{field}': expected objects.", field, "invalid_type")
