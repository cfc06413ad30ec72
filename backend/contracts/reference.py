"""docs/reference/api.md and events.md, from the documents of the API and of the socket."""

from collections.abc import Iterator
from typing import Any

from backend.contracts.markdown import NOTICE, fields_table, table, type_name
from backend.contracts.problems import status_of

Json = dict[str, Any]

_API = """\
# API reference

JSON, snake_case, timestamps in RFC 3339 (UTC), ids UUIDv7 in lower case. Errors are `application/problem+json`
(RFC 9457) with a stable `code`. With identity settings every call but `GET /health` needs
`Authorization: Bearer <JWT>`. The machine-readable document is
[openapi.json](../../backend/contracts/openapi.json), which a server also serves at `/openapi.json`.
"""
_EVENTS = """\
# Event reference

Events are sent over Socket.IO (path `/socket.io`, default namespace). The machine-readable document is
[asyncapi.json](../../backend/contracts/asyncapi.json).
"""
# What every event of a session has; described once.
_SHARED_FIELDS = ("type", "event_id", "seq", "attempt", "session_id", "project_id", "message_id", "created_at", "href")
_PROBLEM = "application/problem+json"


def api_page(openapi: Json) -> str:
    """Every call, every model that a call takes or returns, and every problem code."""
    calls = "\n".join(_calls(openapi))
    schemas = {name: schema for name, schema in openapi["components"]["schemas"].items() if not name.endswith("Event")}
    models = "\n".join(_model(name, schemas[name]) for name in sorted(schemas))
    problems = table(
        ("status", "code", "example"),
        sorted(
            (str(status_of(code)), f"`{code}`", example["value"]["detail"])
            for code, example in openapi["components"]["examples"].items()
        ),
    )
    return f"{NOTICE}\n{_API}\n## Calls\n\n{calls}\n## Models\n\n{models}\n## Problem codes\n\n{problems}"


def events_page(asyncapi: Json) -> str:
    """What a client sends and is sent: requests, acknowledgements, events."""
    schemas = asyncapi["components"]["schemas"]
    events = [name for name, one in asyncapi["operations"].items() if one["action"] == "send"]
    messages = asyncapi["components"]["messages"]
    requests = "\n".join(_message(messages[name], schemas) for name in messages if name not in events)
    sent = "\n".join(_message(messages[name], schemas, frozenset(_SHARED_FIELDS)) for name in events)
    about = asyncapi["info"]["description"]
    return (
        f"{NOTICE}\n{_EVENTS}\n{about}\n## Requests and acknowledgements\n\n{requests}\n## Events\n\n"
        f"{_shared_fields(schemas, events, messages)}\n{sent}"
    )


def _calls(openapi: Json) -> Iterator[str]:
    calls = [
        (f"{method.upper()} {path}", call) for path, calls in openapi["paths"].items() for method, call in calls.items()
    ]
    # Said once, not with each call that needs a token.
    shared = frozenset.intersection(*(_codes(call) for _, call in calls if call["security"]))
    yield f"Every call but `GET /health` can also answer {', '.join(f'`{code}`' for code in sorted(shared))}.\n"
    for title, call in calls:
        yield f"### `{title}`\n\n{call.get('description', '').strip()}\n\n{_call(call, shared)}"


def _codes(call: Json) -> frozenset[str]:
    answers = call["responses"].values()
    return frozenset(code for one in answers for code in one["content"].get(_PROBLEM, {}).get("examples", ()))


def _call(call: Json, shared: frozenset[str]) -> str:
    rows = [
        (f"{one['in']} `{one['name']}`", type_name(one["schema"]), one.get("description", ""))
        for one in call.get("parameters", ())
        if one["in"] != "path"
    ]
    if "requestBody" in call:
        rows.insert(0, ("body", _content(call["requestBody"]), ""))
    for status, answer in sorted(call["responses"].items()):
        if problem := answer["content"].get(_PROBLEM):
            codes = [f"`{code}`" for code in problem["examples"] if code not in shared]
            rows.extend([(f"answer {status}", "problem", ", ".join(codes))] if codes else [])
        else:
            rows.append((f"answer {status}", _content(answer), _headers(answer)))
    return table(("", "type", "description"), rows)


def _content(body: Json) -> str:
    return " or ".join(type_name(one.get("schema", {})) for one in body["content"].values())


def _headers(answer: Json) -> str:
    return " ".join(f"`{name}`: {header['description']}" for name, header in answer.get("headers", {}).items())


def _model(name: str, schema: Json) -> str:
    if "properties" not in schema:
        return f"### {name}\n\n{type_name(schema)}\n"
    return f"### {name}\n\n{schema.get('description', '').strip()}\n\n{fields_table(schema)}"


def _message(message: Json, schemas: Json, without: frozenset[str] = frozenset()) -> str:
    payload = message["payload"]
    models = [one["$ref"].rpartition("/")[2] for one in payload.get("oneOf", [payload])]
    tables = "\nor\n\n".join(
        fields_table(schemas[model], without=without) for model in models if set(schemas[model]["properties"]) - without
    )
    return f"### `{message['name']}`\n\n{message['summary']}\n\n{tables}"


def _shared_fields(schemas: Json, events: list[str], messages: Json) -> str:
    first = schemas[messages[events[0]]["payload"]["$ref"].rpartition("/")[2]]
    shared = {"properties": {name: first["properties"][name] for name in _SHARED_FIELDS}, "required": _SHARED_FIELDS}
    return f"Events have these fields, where they apply, and their own:\n\n{fields_table(shared)}"
