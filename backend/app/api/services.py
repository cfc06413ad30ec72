"""What an HTTP API over the domain is given."""

from dataclasses import dataclass

from backend.app.domain.messages.message_service import MessageService
from backend.app.domain.ports import Offloader
from backend.app.domain.projects.project_service import ProjectService
from backend.app.domain.sessions.session_service import SessionService
from shared.identity import Authenticator


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, who checks identities, and what the API itself must know.

    Attributes:
        offloader: where large answers are made.
        wait_seconds: how long sending a message waits for its end where the client does not say.
        max_body_bytes: the largest request body.
    """

    authenticator: Authenticator
    projects: ProjectService
    sessions: SessionService
    messages: MessageService
    offloader: Offloader
    wait_seconds: float
    max_body_bytes: int
