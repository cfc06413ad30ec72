"""Domain errors as answers: RFC 9457 problem details, by one table."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from backend.app.domain.errors import DomainError, shortened
from shared.access import canonical_id
from shared.identity import InvalidTokenError, KeysUnavailableError
from shared.problems import PROBLEM_JSON, SAFE_HEADERS, problem_details

logger = logging.getLogger(__name__)

# The one table: code -> status. A domain error that is missing here fails a test.
STATUS_OF_CODE = {
    "project_not_found": HTTPStatus.NOT_FOUND,
    "version_not_found": HTTPStatus.NOT_FOUND,
    "session_not_found": HTTPStatus.NOT_FOUND,
    "message_not_found": HTTPStatus.NOT_FOUND,
    "response_not_found": HTTPStatus.NOT_FOUND,
    "owner_only": HTTPStatus.FORBIDDEN,
    "invalid_input": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_code": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_cursor": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_node_id": HTTPStatus.UNPROCESSABLE_ENTITY,
    "two_message_ids": HTTPStatus.BAD_REQUEST,
    "code_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "prompt_too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_members": HTTPStatus.UNPROCESSABLE_ENTITY,
    "stale_version": HTTPStatus.CONFLICT,
    "message_id_conflict": HTTPStatus.CONFLICT,
    "too_many_queued_messages": HTTPStatus.TOO_MANY_REQUESTS,
    "event_log_busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_full": HTTPStatus.INSUFFICIENT_STORAGE,
    "storage_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_damaged": HTTPStatus.INTERNAL_SERVER_ERROR,
}
_RETRY_AFTER_SECONDS = 5
_NAMED_ERRORS = 10


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """A problem details answer (RFC 9457) with a stable `code`."""
    body = problem_details(status, code, detail, **more)
    # Also here: what answers before or after the application's middleware, a bug's 500 among it, has no other place.
    return JSONResponse(body, status_code=status, headers={**SAFE_HEADERS, **(headers or {})}, media_type=PROBLEM_JSON)


def add_error_handlers(app: FastAPI) -> None:
    """Have the app answer errors with problem details. A bug is raised again, for the server's log, once answered."""
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
        STATUS_OF_CODE[error.code],
        error.code,
        error.detail,
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)} if error.retryable else None,
        **_session_of(request, error.session_id),
    )


async def _invalid_token(_request: Request, error: Exception) -> JSONResponse:
    return problem(HTTPStatus.UNAUTHORIZED, "invalid_token", str(error), headers={"WWW-Authenticate": "Bearer"})


async def _keys_unavailable(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, KeysUnavailableError)  # noqa: S101 - as registered above
    headers = {"Retry-After": str(error.retry_after_seconds)}
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "keys_unavailable", str(error), headers=headers)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered above
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem(HTTPStatus.BAD_REQUEST, "malformed_json", "The body is not JSON.", **_session_of(request))
    # Never the input itself: it may be large, and it is the caller's.
    errors = [
        {"where": shortened(".".join(str(part) for part in one["loc"])), "what": one["msg"]}
        for one in found[:_NAMED_ERRORS]
    ]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail, errors=errors, **_session_of(request))


def _session_of(request: Request, session_id: str | None = None) -> dict[str, Any]:
    session_id = session_id or request.path_params.get("session_id")
    return {"session_id": shortened(canonical_id(session_id))} if session_id else {}


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered above
    # A 400 is a body that cannot be decoded, a 413 one that has too many values.
    codes = {400: "malformed_json", 413: "body_too_large", 404: "no_such_path", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "http_error")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods_of_path(request)))
    return problem(error.status_code, code, str(error.detail), headers=headers, **_session_of(request))


def _methods_of_path(request: Request) -> set[str]:
    # The framework names those of the first route with this path only.
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
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "out_of_memory", detail, headers=retry_after, **_session_of(request))


async def _bug(request: Request, _error: Exception) -> JSONResponse:
    detail = "Something is broken here; the log has it."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail, **_session_of(request))
