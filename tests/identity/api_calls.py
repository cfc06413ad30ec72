"""Every call that the API's routes answer, taken from the application itself."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi.routing import iter_route_contexts

from backend.app.api.application import build_application
from backend.app.api.services import Services

Endpoint = tuple[str, str]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Call:
    """One call of a route that is right in all but, perhaps, who makes it.

    Attributes:
        status: what somebody who may is answered.
        owner_only: a member may not.
        is_open: everybody may, without a token too.
    """

    status: int = 200
    body: dict[str, Any] | None = None
    query: str = ""
    owner_only: bool = False
    is_open: bool = False


CODE = {"code": "x = 1", "base_version": 1}

# A route without calls here fails its test: say who may call it.
CALLS: dict[Endpoint, list[Call]] = {
    ("GET", "/openapi.json"): [Call(is_open=True)],
    ("GET", "/health"): [Call(is_open=True)],
    ("POST", "/projects"): [Call(201, {"name": "New"})],
    ("GET", "/projects"): [Call(), Call(query="?limit=200")],
    ("GET", "/projects/{project_id}"): [Call(), Call(query="?version=1")],
    ("PATCH", "/projects/{project_id}"): [
        Call(body=CODE),
        Call(body={"name": "New"}, owner_only=True),
        Call(body={"members": ["member", "eve"]}, owner_only=True),
        Call(body={"members": []}),  # of the only member it is a leave
        Call(body={"name": "New", **CODE}, owner_only=True),
    ],
    ("DELETE", "/projects/{project_id}"): [Call(owner_only=True)],
    ("GET", "/projects/{project_id}/versions"): [Call()],
    ("POST", "/projects/{project_id}/sessions"): [Call(200), Call(201, {"node_id": "triage"})],
    ("GET", "/projects/{project_id}/sessions"): [Call()],
    ("GET", "/sessions/{session_id}"): [Call()],
    ("DELETE", "/sessions/{session_id}"): [Call()],
    ("GET", "/sessions/{session_id}/events"): [Call(), Call(query="?after=0")],
    ("POST", "/sessions/{session_id}/messages"): [Call(202, {"prompt": "Make it rain"})],
    ("GET", "/sessions/{session_id}/messages"): [Call()],
    ("GET", "/messages/{message_id}"): [Call()],
    ("GET", "/messages/{message_id}/full"): [Call()],
    ("POST", "/messages/{message_id}/cancel"): [Call()],
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
    """Every call of every route that is known."""
    return [(endpoint, call) for endpoint in endpoints() for call in CALLS.get(endpoint, ())]


def name_of(endpoint: Endpoint, call: Call) -> str:
    return f"{' '.join(endpoint)}{call.query} {','.join(call.body or ())}".strip()


def kind_of(path: str) -> str | None:
    """What kind of thing a path is about."""
    return next((kind for kind in ("project", "session", "message") if f"{{{kind}_id}}" in path), None)


async def make(
    client: httpx.AsyncClient, endpoint: Endpoint, call: Call, ids: dict[str, str], headers: Headers
) -> httpx.Response:
    """Make the call about what the ids name."""
    method, path = endpoint
    sent = [*headers, (b"Prefer", b"respond-async")]
    return await client.request(method, path.format(**ids) + call.query, json=call.body, headers=sent)
