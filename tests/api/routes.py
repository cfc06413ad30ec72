"""Every route that needs somebody: what tests of all of them go through."""

from typing import NamedTuple

import httpx

from tests.api.conftest import RESPOND_ASYNC, Json


class Route(NamedTuple):
    """A route with a body that is right for it; `path` holds the name of the id that it is about."""

    method: str
    path: str
    body: Json | None = None

    @property
    def not_found_code(self) -> str:
        """The code of the refusal where what it is about does not exist."""
        return next(f"{kind}_not_found" for kind in ("project", "session", "message") if f"{{{kind}_id}}" in self.path)

    async def call(self, client: httpx.AsyncClient, **ids: str) -> httpx.Response:
        return await client.request(self.method, self.path.format(**ids), json=self.body, headers=RESPOND_ASYNC)


ROUTES_OF_AN_ID = [
    Route("GET", "/projects/{project_id}"),
    Route("GET", "/projects/{project_id}?version=1"),
    Route("GET", "/projects/{project_id}/versions"),
    Route("GET", "/projects/{project_id}/sessions"),
    Route("POST", "/projects/{project_id}/sessions", {"node_id": "triage"}),
    Route("PATCH", "/projects/{project_id}", {"code": "x = 1", "base_version": 1}),
    Route("GET", "/sessions/{session_id}"),
    Route("GET", "/sessions/{session_id}/messages"),
    Route("GET", "/sessions/{session_id}/events"),
    Route("POST", "/sessions/{session_id}/messages", {"prompt": "Make it rain"}),
    Route("GET", "/messages/{message_id}"),
    Route("GET", "/messages/{message_id}/full"),
    Route("POST", "/messages/{message_id}/cancel"),
    Route("DELETE", "/sessions/{session_id}"),
]
OWNER_ROUTES = [
    Route("PATCH", "/projects/{project_id}", {"name": "New"}),
    Route("PATCH", "/projects/{project_id}", {"members": ["member", "eve"]}),
    Route("PATCH", "/projects/{project_id}", {"members": []}),
    Route("PATCH", "/projects/{project_id}", {"members": ["ann"], "name": "New"}),
    Route("PATCH", "/projects/{project_id}", {"name": "New", "code": "x = 1", "base_version": 1}),
    Route("DELETE", "/projects/{project_id}"),
]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path} {','.join(route.body or ())}".strip()
