"""The dependencies of the HTTP API."""

from dataclasses import dataclass

from backend.app.domain.messages.message_service import MessageService
from backend.app.domain.ports import Offloader
from backend.app.domain.projects.project_service import ProjectService
from backend.app.domain.sessions.session_service import SessionService
from shared.identity import Authenticator


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, the authenticator and the API's own settings.

    Attributes:
        offloader: builds large responses outside of the event loop.
        wait_seconds: how long send_message waits for the message's end by default.
        max_body_bytes: the largest request body.
    """

    authenticator: Authenticator
    projects: ProjectService
    sessions: SessionService
    messages: MessageService
    offloader: Offloader
    wait_seconds: float
    max_body_bytes: int
