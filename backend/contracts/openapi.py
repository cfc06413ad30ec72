"""The OpenAPI document: FastAPI's own, completed with the errors, security and examples of the declared routes."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from backend.app.api.application import ALL_ROUTES
from backend.app.api.route import Route
from backend.contracts.api_examples import api_examples
from backend.contracts.problems import codes_of_call, problem_example, problem_schema, status_of
from backend.contracts.schemas import require_every_field, schemas_of
from shared.events import LoggedEvent
from shared.problems import PROBLEM_JSON

Json = dict[str, Any]

_ABOUT = """\
Projects, sessions, messages and the event log. Errors are problem details (RFC 9457) with a stable `code`. Besides the
errors of each call, any path can answer 404 `no_such_path` and 405 `method_not_allowed`, and a server without identity
settings 421 `foreign_host` and 403 `foreign_origin`. The events are in the AsyncAPI document.
"""
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "RS256 or ES256; `sub` is the user. A server without identity settings needs none.",
}
_HEADERS_OF_STATUS = {
    "401": {"WWW-Authenticate": "`Bearer`"},
    "429": {"Retry-After": "In seconds."},
    "503": {"Retry-After": "In seconds."},
}


def describe_itself(app: FastAPI, *, has_identity: bool) -> None:
    """Serve this document at the application's `openapi_url`; `has_identity`: see openapi_document."""
    app.openapi = lambda: openapi_document(app, has_identity=has_identity)  # type: ignore[method-assign]


def openapi_document(app: FastAPI, *, has_identity: bool = True) -> Json:
    """The OpenAPI 3.1 document of the application's routes.

    Without identity settings (`has_identity` false) a bearer token may be sent, and is not needed.
    """
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    document = get_openapi(
        title=app.title, version=app.version, description=_ABOUT, routes=routes, servers=[{"url": "/"}]
    )
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name, schema in schemas.items():
        if not name.endswith("Request"):
            require_every_field(schema)
    schemas.update(schemas_of(TypeAdapter(LoggedEvent)))
    schemas["EventList"]["properties"]["events"]["items"] = _one_of_events(schemas)
    schemas["Problem"] = problem_schema()
    for route in ALL_ROUTES:
        _complete(document["paths"][route.path][route.method.lower()], route, has_identity=has_identity)
    document["components"]["securitySchemes"] = {"bearer": _BEARER}
    document["components"]["examples"] = {
        code: {"summary": code, "value": problem_example(code)} for code in _codes_named(document)
    }
    _add_examples(document)
    return document


def _one_of_events(schemas: Json) -> Json:
    kinds = {
        schema["properties"]["type"]["const"]: f"#/components/schemas/{name}"
        for name, schema in schemas.items()
        if name.endswith("Event")
    }
    return {
        "oneOf": [{"$ref": reference} for reference in kinds.values()],
        "discriminator": {"propertyName": "type", "mapping": kinds},
    }


def _complete(call: Json, route: Route, *, has_identity: bool) -> None:
    call["operationId"] = route.name
    call["summary"] = route.name.replace("_", " ").capitalize()
    call["responses"].pop("422", None)
    parameters = [one for one in call.pop("parameters", []) if one["name"] != "authorization"]
    if parameters:
        call["parameters"] = parameters
    anonymous: list[Json] = [] if has_identity else [{}]
    call["security"] = [*anonymous, {"bearer": []}] if route.needs_token else []
    codes = codes_of_call(route)
    for status in sorted({status_of(code) for code in codes}):
        call["responses"][str(status)] = _problem_answer([code for code in codes if status_of(code) == status])
    for status_code, headers in _HEADERS_OF_STATUS.items():
        if status_code in call["responses"]:
            call["responses"][status_code]["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
            }


def _problem_answer(codes: list[str]) -> Json:
    return {
        "description": "`" + "`, `".join(codes) + "`",
        "content": {
            PROBLEM_JSON: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def _contents(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        for call in path.values():
            bodies = [call["requestBody"]] if "requestBody" in call else []
            for answer in (*bodies, *call["responses"].values()):
                yield from answer.get("content", {}).values()


def _codes_named(document: Json) -> list[str]:
    return sorted({code for content in _contents(document) for code in content.get("examples", {})})


def _add_examples(document: Json) -> None:
    """Add its example to each model, and so to every call that takes or returns it."""
    examples = api_examples()
    for name, schema in document["components"]["schemas"].items():
        if name in examples:
            schema["examples"] = [examples[name]]
