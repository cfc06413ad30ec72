"""Builds the FastAPI application of declared routes."""

from collections.abc import Iterable

from fastapi import FastAPI

from backend.app.api.body_limit import BodyLimit
from backend.app.api.errors import add_error_handlers
from backend.app.api.json_body import JsonBodyRoute
from backend.app.api.media_type import MediaTypeGuard
from backend.app.api.response_headers import ResponseHeaders
from backend.app.api.route import Route
from backend.app.api.services import Services

VERSION = "0.1.0"


def serve_routes(services: Services, routes: Iterable[Route], engine: str, openapi_url: str | None = None) -> FastAPI:
    """The application that serves these routes and no others.

    Args:
        services: the use cases that the routes call.
        routes: the routes to serve.
        engine: the engine's name, which /health returns.
        openapi_url: the path of the OpenAPI document; None: it is not served.
    """
    app = FastAPI(title="Vibewire", version=VERSION, openapi_url=openapi_url, docs_url=None, redoc_url=None)
    app.router.route_class = JsonBodyRoute
    app.state.services = services
    app.state.engine = engine
    add_error_handlers(app)
    app.add_middleware(MediaTypeGuard)
    app.add_middleware(BodyLimit, max_bytes=services.max_body_bytes)
    app.add_middleware(ResponseHeaders)
    for one in routes:
        app.add_api_route(
            one.path,
            one.endpoint,
            methods=[one.method],
            tags=[one.tag],
            status_code=one.status_code,
            responses=dict(one.responses),
        )
    return app
