"""The API and the relay as one ASGI application, open to whom the settings let in."""

import socketio
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from backend.app.api.application import build_application
from backend.app.domain.services import Services
from backend.local.loopback_guard import LOOPBACK_HOST, LoopbackGuard
from backend.local.settings import LocalSettings
from backend.relay.server import Relay

_LOOPBACK_ORIGIN = f"https?://{LOOPBACK_HOST}"


def build_asgi(settings: LocalSettings, services: Services, relay: Relay) -> ASGIApp:
    """The API with the relay at /socket.io; without identity settings closed to everything but this machine."""
    api = build_application(services)
    api.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_origin_regex=None if settings.has_identity else _LOOPBACK_ORIGIN,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["Location", "Retry-After"],
    )
    app = socketio.ASGIApp(relay.sio, other_asgi_app=api)
    return app if settings.has_identity else LoopbackGuard(app)
