"""The API, the relay and the console as one ASGI application, open to whom the settings let in."""

from collections.abc import Callable
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from backend.app.api.application import build_application
from backend.app.api.services import Services
from backend.contracts.openapi import describe_itself
from backend.local.console_files import ConsoleFiles
from backend.local.loopback_guard import LOOPBACK_HOST, LoopbackGuard
from backend.local.settings import LocalSettings
from backend.relay.health import HealthApp
from backend.relay.relay import Relay

_LOOPBACK_ORIGIN = f"https?://{LOOPBACK_HOST}"
_CORS: dict[str, Any] = {
    "allow_methods": ["*"],
    "allow_headers": ["*"],
    "expose_headers": ["Location", "Retry-After"],
}


def build_asgi(
    settings: LocalSettings, services: Services, relay: Relay, is_ready: Callable[[], bool] = lambda: True
) -> ASGIApp:
    """The API, the relay at /socket.io and the console at /; without identity settings for this machine alone.

    `/healthz` and `/readyz` are the relay's, as in its container; `/readyz` reports `is_ready`.
    """
    api = build_application(services)
    describe_itself(api, has_identity=settings.has_identity)
    reserved = frozenset(route.path.split("/", 2)[1] for route in api.routes if isinstance(route, Route))
    files = ConsoleFiles(api, reserved, settings.data_dir)
    others: ASGIApp = HealthApp(is_ready, files)
    if settings.has_identity:  # Socket.IO knows its origins itself
        others = CORSMiddleware(others, allow_origins=settings.allowed_origins, **_CORS)
    app: ASGIApp = relay.sio.asgi_app(others)
    if settings.has_identity:
        return app
    return LoopbackGuard(CORSMiddleware(app, allow_origin_regex=_LOOPBACK_ORIGIN, **_CORS))
