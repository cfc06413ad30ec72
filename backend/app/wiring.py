"""Builds the services of the HTTP API from the settings and an engine."""

from backend.app.api.services import Services
from backend.app.domain.engine import Engine
from backend.app.domain.messages.message_service import MessageService
from backend.app.domain.projects.project_service import ProjectService
from backend.app.domain.sessions.session_service import SessionService
from backend.app.settings import AppSettings
from shared.jwt_authenticator import build_authenticator


def build_services(settings: AppSettings, engine: Engine, *, is_frozen_between_requests: bool = False) -> Services:
    """Build the services of the HTTP API.

    Args:
        settings: limits, and who issues tokens.
        engine: the adapters.
        is_frozen_between_requests: nothing runs in the background, as in a Lambda; see IssuerKeys.
    """
    sessions = SessionService(engine)
    projects = ProjectService(engine, sessions, settings)
    messages = MessageService(engine, settings, settings.wait_slots)
    authenticator = build_authenticator(settings, is_frozen_between_requests=is_frozen_between_requests)
    return Services(
        authenticator, projects, sessions, messages, engine.offloader, settings.wait_seconds, settings.max_body_bytes
    )
