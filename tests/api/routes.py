"""Every route that needs an identified caller, for tests that go through all of them."""

from typing import NamedTuple

import httpx

from backend.app.api import route as declared
from backend.app.api.application import ALL_ROUTES
from tests.api.conftest import RESPOND_ASYNC, Json


class Route(NamedTuple):
    """A route with a body that it accepts; `path` contains the name of an id."""

    method: str
    path: str
    body: Json | None = None

    @property
    def not_found_code(self) -> str:
        """The code of the refusal if the project, session or message does not exist."""
        return f"{id_kind(self.path)}_not_found"

    async def call(self, client: httpx.AsyncClient, **ids: str) -> httpx.Response:
        return await client.request(self.method, self.path.format(**ids), json=self.body, headers=RESPOND_ASYNC)


def id_kind(path: str) -> str | None:
    """What the id in a path names: a project, a session or a message; None without an id."""
    return next((kind for kind in ("project", "session", "message") if f"{{{kind}_id}}" in path), None)


def is_owner_only(route: declared.Route) -> bool:
    """Whether a member is refused the route's example: that of update_project edits the code, which members may."""
    return "owner_only" in route.codes and route.name != "update_project"


def _declared(*, owner_only: bool) -> list[Route]:
    return [
        Route(one.method, one.path, one.example)
        for one in sorted(ALL_ROUTES, key=lambda one: one.method == "DELETE")
        if id_kind(one.path) is not None and is_owner_only(one) == owner_only
    ]


ROUTES_OF_AN_ID = [Route("GET", "/projects/{project_id}?version=1"), *_declared(owner_only=False)]
OWNER_ROUTES = [
    Route("PATCH", "/projects/{project_id}", {"name": "New"}),
    Route("PATCH", "/projects/{project_id}", {"members": ["member", "eve"]}),
    Route("PATCH", "/projects/{project_id}", {"members": []}),
    Route("PATCH", "/projects/{project_id}", {"members": ["ann"], "name": "New"}),
    Route("PATCH", "/projects/{project_id}", {"name": "New", "code": "x = 1", "base_version": 1}),
    *_declared(owner_only=True),
]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path} {','.join(route.body or ())}".strip()
