"""Engine and settings -> services: the one place where the API's parts meet."""

from backend.app.api.services import Services
from backend.app.domain.authorization import Authorization
from backend.app.domain.engine import Engine
from backend.app.domain.messages.message_service import MessageService
from backend.app.domain.projects.project_service import ProjectService
from backend.app.domain.sessions.session_service import SessionService
from backend.app.settings import AppSettings
from shared.jwt_authenticator import build_authenticator


def build_services(settings: AppSettings, engine: Engine, *, is_frozen_between_requests: bool = False) -> Services:
    """The services of the HTTP API on an engine.

    Args:
        settings: limits, and who issues tokens.
        engine: the adapters.
        is_frozen_between_requests: nothing runs in the background, as in a Lambda; see IssuerKeys.
    """
    authorization = Authorization(engine.access, engine.sessions, engine.messages)
    sessions = build_session_service(engine)
    projects = ProjectService(
        engine.projects,
        sessions,
        authorization,
        engine.bus,
        engine.clock,
        engine.ids,
        engine.offloader,
        settings,
    )
    messages = MessageService(
        engine.messages,
        engine.turns,
        authorization,
        engine.queue,
        engine.bus,
        engine.completion_waiter,
        engine.wait_slots,
        engine.clock,
        engine.ids,
        settings,
        settings.wait_slots,
    )
    authenticator = build_authenticator(settings, is_frozen_between_requests=is_frozen_between_requests)
    return Services(
        authenticator, projects, sessions, messages, engine.offloader, settings.wait_seconds, settings.max_body_bytes
    )


def build_session_service(engine: Engine) -> SessionService:
    """The service of sessions alone: what cleaning up needs of the API."""
    authorization = Authorization(engine.access, engine.sessions, engine.messages)
    return SessionService(
        engine.sessions, engine.projects, engine.events, authorization, engine.bus, engine.clock, engine.ids
    )
