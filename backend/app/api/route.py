"""Route declarations: plain data, so that importing one costs none of FastAPI's analysis."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Endpoint = Callable[..., Any]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """Everything there is to declare about one endpoint: FastAPI, the functions, the documents and the tests read it.

    The endpoint's name is the name of the use case and of the function that serves it; its docstring describes it.

    Attributes:
        method: the HTTP method.
        path: with the names of its parameters in braces.
        tag: the group under which the OpenAPI document lists it.
        endpoint: the function that answers; FastAPI reads its annotations.
        status_code: of a success.
        responses: further successes by status, as FastAPI takes them.
        codes: the error codes of its own; those that every route, body or token can cause are not listed.
        example: a request body that is accepted for a new project; None: it takes no body.
        needs_token: whether the caller must be identified.
    """

    method: str
    path: str
    tag: str
    endpoint: Endpoint
    status_code: int = 200
    responses: Mapping[int | str, Json] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    example: Json | None = None
    needs_token: bool = True

    @property
    def name(self) -> str:
        """The name of the use case."""
        return self.endpoint.__name__


def route(method: str, path: str, tag: str, **declared: Any) -> Callable[[Endpoint], Route]:
    """Declare the decorated endpoint as a route; see Route for the arguments."""
    return lambda endpoint: Route(method, path, tag, endpoint, **declared)
