"""Every call that the API's routes answer, taken from the application and from the routes' declarations."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi.routing import iter_route_contexts

from backend.app.api.application import ALL_ROUTES, build_application
from backend.app.api.services import Services
from tests.api.routes import is_owner_only

Endpoint = tuple[str, str]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Call:
    """A valid call of a route.

    Attributes:
        status: the answer to a caller who is allowed.
        owner_only: members are refused.
        is_open: it needs no token.
    """

    status: int = 200
    body: dict[str, Any] | None = None
    query: str = ""
    owner_only: bool = False
    is_open: bool = False


CODE = {"code": "x = 1", "base_version": 1}
# Each is called without waiting for the message's end.
_STATUS = {"send_message": 202}
# Besides each route's example.
_MORE_CALLS: dict[Endpoint, list[Call]] = {
    ("GET", "/openapi.json"): [Call(is_open=True)],
    ("GET", "/projects"): [Call(query="?limit=200")],
    ("GET", "/projects/{project_id}"): [Call(query="?version=1")],
    ("PATCH", "/projects/{project_id}"): [
        Call(body={"name": "New"}, owner_only=True),
        Call(body={"members": ["member", "eve"]}, owner_only=True),
        Call(body={"members": []}),  # the only member leaves
        Call(body={"name": "New", **CODE}, owner_only=True),
    ],
    ("POST", "/projects/{project_id}/sessions"): [Call(200)],
    ("GET", "/sessions/{session_id}/events"): [Call(query="?after=0")],
}
_EXAMPLES: dict[Endpoint, Call] = {
    (one.method, one.path): Call(
        _STATUS.get(one.name, one.status_code),
        one.example,
        owner_only=is_owner_only(one),
        is_open=not one.needs_token,
    )
    for one in ALL_ROUTES
}
CALLS: dict[Endpoint, list[Call]] = {
    endpoint: [*([_EXAMPLES[endpoint]] if endpoint in _EXAMPLES else []), *_MORE_CALLS.get(endpoint, ())]
    for endpoint in {**_EXAMPLES, **_MORE_CALLS}
}


def endpoints() -> list[Endpoint]:
    """Every method and path that the application answers."""
    app = build_application(cast(Services, SimpleNamespace(max_body_bytes=1)))
    return sorted(
        (method, route.path or "")
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"no method"}) - {"HEAD"}
    )


def calls() -> list[tuple[Endpoint, Call]]:
    """Every known call of every route."""
    return [(endpoint, call) for endpoint in endpoints() for call in CALLS.get(endpoint, ())]


def name_of(endpoint: Endpoint, call: Call) -> str:
    return f"{' '.join(endpoint)}{call.query} {','.join(call.body or ())}".strip()


async def make(
    client: httpx.AsyncClient, endpoint: Endpoint, call: Call, ids: dict[str, str], headers: Headers
) -> httpx.Response:
    """Make the call with these ids in its path."""
    method, path = endpoint
    sent = [*headers, (b"Prefer", b"respond-async")]
    return await client.request(method, path.format(**ids) + call.query, json=call.body, headers=sent)
