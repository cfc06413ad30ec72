"""Errors as responses: problem details (RFC 9457) with a stable code."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from backend.app.api.problem_codes import PROBLEM_CODES
from backend.app.domain.errors import DomainError, shortened
from shared.access import canonical_id
from shared.identity import InvalidTokenError, KeysUnavailableError
from shared.problems import PROBLEM_JSON, SAFE_HEADERS, problem_details

logger = logging.getLogger(__name__)

_RETRY_AFTER_SECONDS = 5
_NAMED_ERRORS = 10
# Raised by the framework, and by JsonBodyRoute: 400 for a body that cannot be decoded, 413 for too many values.
_CODE_OF_HTTP_ERROR = {400: "malformed_json", 404: "no_such_path", 405: "method_not_allowed", 413: "body_too_large"}


def problem(code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """A problem details response (RFC 9457) with the status of its `code`."""
    status = PROBLEM_CODES[code].status
    body = problem_details(status, code, detail, **more)
    # ResponseHeaders does not see every response: the 500 of a bug is sent outside of the application's middleware.
    return JSONResponse(body, status_code=status, headers={**SAFE_HEADERS, **(headers or {})}, media_type=PROBLEM_JSON)


def add_error_handlers(app: FastAPI) -> None:
    """Have the app answer errors with problem details. A bug is raised again afterwards, for the server's log."""
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(InvalidTokenError, _invalid_token)
    app.add_exception_handler(KeysUnavailableError, _keys_unavailable)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(MemoryError, _out_of_memory)
    app.add_exception_handler(Exception, _bug)


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)  # noqa: S101 - as registered above
    return problem(
        error.code,
        error.detail,
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)} if error.retryable else None,
        **_session_of(request, error.session_id),
    )


async def _invalid_token(_request: Request, error: Exception) -> JSONResponse:
    return problem("invalid_token", str(error), headers={"WWW-Authenticate": "Bearer"})


async def _keys_unavailable(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, KeysUnavailableError)  # noqa: S101 - as registered above
    headers = {"Retry-After": str(error.retry_after_seconds)}
    return problem("keys_unavailable", str(error), headers=headers)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered above
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem("malformed_json", "The body is not JSON.", **_session_of(request))
    # Without the input: it may be large or confidential.
    errors = [
        {"where": shortened(".".join(str(part) for part in one["loc"])), "what": one["msg"]}
        for one in found[:_NAMED_ERRORS]
    ]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
    return problem("invalid_request", detail, errors=errors, **_session_of(request))


def _session_of(request: Request, session_id: str | None = None) -> dict[str, Any]:
    session_id = session_id or request.path_params.get("session_id")
    return {"session_id": shortened(canonical_id(session_id))} if session_id else {}


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered above
    code = _CODE_OF_HTTP_ERROR[error.status_code]
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods_of_path(request)))
    return problem(code, str(error.detail), headers=headers, **_session_of(request))


def _methods_of_path(request: Request) -> set[str]:
    # The framework only lists the methods of the first route with this path.
    routes: list[BaseRoute] = request.app.routes
    return {
        method
        for route in routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


async def _out_of_memory(request: Request, _error: Exception) -> JSONResponse:
    logger.error("A request could not be answered: out of memory")
    detail = "The server has too little memory left for this; nothing was changed. Try again later."
    retry_after = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    return problem("out_of_memory", detail, headers=retry_after, **_session_of(request))


async def _bug(request: Request, _error: Exception) -> JSONResponse:
    return problem("internal_error", "Internal server error. It has been logged.", **_session_of(request))
