"""The bodies of the routes of sessions and of their event logs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from backend.app.api.schemas.request_fields import Text
from backend.app.api.schemas.schema import DomainSchema, NextCursor, RequestSchema, ResponseSchema
from backend.app.domain.sessions.session import Session
from shared.token_usage import TotalUsage

LastSeq = Annotated[int, Field(description="The `seq` of the newest event.")]


class StartSessionRequest(RequestSchema):
    """Without `node_id` the session is about the project."""

    node_id: Annotated[
        Text | None,
        Field(
            description="The name of an agent's variable: letters, digits, '_', '.' and '-', at most 200 bytes of "
            "UTF-8, starting with a letter, a digit or '_'. The code need not have the agent yet."
        ),
    ] = None


class SessionBody(DomainSchema):
    """A session."""

    session_id: str
    project_id: str
    session_type: Literal["global", "node"]
    node_id: Annotated[str | None, Field(description="The agent that the session is about; null: the project.")]
    node_exists: Annotated[
        bool | None,
        Field(
            description="Whether the project's current code has that agent; null: the session is about the project, or "
            "the code has more agents than are read."
        ),
    ]
    openai_session_key: str
    message_count: int
    last_seq: LastSeq
    token_usage: TotalUsage
    created_at: datetime

    @classmethod
    def of(cls, session: Session, node_exists: bool | None) -> "SessionBody":
        """The session as a response body."""
        names = cls.model_fields.keys() - {"node_exists"}
        return cls(**{name: getattr(session, name) for name in names}, node_exists=node_exists)


class SessionList(ResponseSchema):
    """The sessions of a project."""

    project_id: str
    sessions: list[SessionBody]
    next_cursor: NextCursor


class DeletedSession(ResponseSchema):
    """The session was deleted."""

    session_id: str
    deleted: Literal[True] = True


class EventList(ResponseSchema):
    """A page of a session's event log."""

    session_id: str
    events: list[dict[str, Any]]
    last_seq: LastSeq
    truncated: bool
