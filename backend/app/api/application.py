"""The HTTP API as one application."""

from fastapi import APIRouter, FastAPI

from backend.app.api import messages, projects, sessions
from backend.app.api.bodies import Health
from backend.app.api.body_limit import BodyLimit
from backend.app.api.errors import add_error_handlers
from backend.app.domain.services import Services

VERSION = "0.1.0"

health_router = APIRouter(tags=["health"])


@health_router.get("/health")
async def get_health() -> Health:
    """Whether the API answers; needs no token."""
    return Health(version=VERSION, engine="local")


def build_application(services: Services) -> FastAPI:
    """The whole API over the services."""
    app = FastAPI(title="Vibewire", version=VERSION, docs_url=None, redoc_url=None)
    app.state.services = services
    add_error_handlers(app)
    app.add_middleware(BodyLimit, max_bytes=services.max_body_bytes)
    for router in (projects.router, sessions.router, messages.router, health_router):
        app.include_router(router)
    return app
