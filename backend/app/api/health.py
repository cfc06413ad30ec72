"""The route /health."""

from fastapi import Request

from backend.app.api.route import route
from backend.app.api.schemas.health import Health


@route("GET", "/health", "health", needs_token=False)
async def get_health(request: Request) -> Health:
    """Whether the API is up; needs no token."""
    return Health(version=request.app.version, engine=request.app.state.engine)


ROUTES = (get_health,)
