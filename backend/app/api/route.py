"""Routes as plain declarations: to import one costs nothing of the web framework's analysis of the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Endpoint = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API.

    Attributes:
        method: as HTTP has it.
        path: with the names of its parameters in braces.
        tag: the group that the document of the API lists it in.
        endpoint: answers it; its annotations say what it takes and returns, as FastAPI reads them.
        status_code: of an answer that went well; None: 200.
        responses: other answers, for the document of the API.
    """

    method: str
    path: str
    tag: str
    endpoint: Endpoint
    status_code: int | None = None
    responses: Mapping[int | str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The use case: the name of the endpoint, and of the function that serves it."""
        return self.endpoint.__name__


def route(
    method: str,
    path: str,
    tag: str,
    *,
    status_code: int | None = None,
    responses: Mapping[int | str, dict[str, Any]] | None = None,
) -> Callable[[Endpoint], Route]:
    """Declare the decorated endpoint as a route; see Route for the arguments."""

    def declare(endpoint: Endpoint) -> Route:
        return Route(method, path, tag, endpoint, status_code, responses or {})

    return declare
