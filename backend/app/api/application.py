"""The HTTP API as one application."""

from fastapi import FastAPI

from backend.app.api import health, messages, projects, sessions
from backend.app.api.services import Services
from backend.app.api.serving import serve_routes

ALL_ROUTES = (*projects.ROUTES, *sessions.ROUTES, *messages.ROUTES, *health.ROUTES)


def build_application(services: Services, engine: str = "local") -> FastAPI:
    """The complete API over the services, on the engine of that name; its OpenAPI document is at /openapi.json."""
    return serve_routes(services, ALL_ROUTES, engine, openapi_url="/openapi.json")
