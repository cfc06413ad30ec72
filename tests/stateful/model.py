"""What was promised, in plain Python: what people did, and what has been seen of it so far."""

from dataclasses import dataclass, field

from backend.app.domain.messages.message import Message
from backend.app.domain.sessions.session import Session


@dataclass
class KnownMessage:
    """A message that was accepted."""

    message_id: str
    session_id: str
    prompt: str
    number: int
    # As it was when its end was first seen; from then on it stays so.
    ended: Message | None = None


@dataclass
class KnownSession:
    """A live session. `keys` are the Idempotency-Keys that were used in it, with their messages."""

    session: Session
    messages: list[KnownMessage] = field(default_factory=list)
    keys: dict[str, KnownMessage] = field(default_factory=dict)

    @property
    def session_id(self) -> str:
        return self.session.session_id


@dataclass
class KnownProject:
    """A live project. `by_hand` is the code of the versions that a person made."""

    project_id: str
    by_hand: dict[int, str]
    sessions: dict[str | None, KnownSession] = field(default_factory=dict)


@dataclass
class Known:
    """All that lives, and the ids of all that was deleted."""

    projects: list[KnownProject] = field(default_factory=list)
    deleted_projects: list[str] = field(default_factory=list)
    deleted_sessions: list[str] = field(default_factory=list)
    deleted_messages: list[KnownMessage] = field(default_factory=list)

    def sessions(self) -> list[tuple[KnownProject, KnownSession]]:
        return [(project, session) for project in self.projects for session in project.sessions.values()]

    def messages(self) -> list[KnownMessage]:
        return [message for _, session in self.sessions() for message in session.messages]

    def message_of(self, prompt: str) -> KnownMessage:
        """The message of a prompt: each is sent once only."""
        (message,) = [one for one in [*self.messages(), *self.deleted_messages] if one.prompt == prompt]
        return message

    def mark_session_deleted(self, project: KnownProject, session: KnownSession) -> None:
        del project.sessions[session.session.node_id]
        self.deleted_sessions.append(session.session_id)
        self.deleted_messages += session.messages

    def mark_project_deleted(self, project: KnownProject) -> None:
        for session in list(project.sessions.values()):
            self.mark_session_deleted(project, session)
        self.projects.remove(project)
        self.deleted_projects.append(project.project_id)
