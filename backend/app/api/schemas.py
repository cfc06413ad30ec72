"""The bodies of requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.app.api.body_fields import Name, Text, UserName, VersionNumber
from backend.app.domain.messages.message import MessageStatus, ModelResponse
from backend.app.domain.sessions.session import Session
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Answer(BaseModel):
    # Built when it is first used: an endpoint uses two or three of all these.
    model_config = ConfigDict(defer_build=True)


class _Body(_Answer):
    # Made from a thing of the domain by its attributes of the same names.
    model_config = ConfigDict(from_attributes=True)


class CreateProjectRequest(_Request):
    """`current_code` is accepted as another name of `code`."""

    name: Name
    code: Annotated[Text | None, Field(description="Without it: a small starter workflow.")] = None
    current_code: Annotated[
        Text | None, Field(description="The same as `code`.", json_schema_extra={"deprecated": True})
    ] = None

    @model_validator(mode="after")
    def _has_one_code(self) -> Self:
        if None not in (self.code, self.current_code) and self.code != self.current_code:
            raise ValueError("`code` and `current_code` are two names of one field: send one of them")
        return self

    @property
    def source(self) -> str | None:
        """The code, by whichever name it was sent."""
        return self.current_code if self.code is None else self.code


class UpdateProjectRequest(_Request):
    """What is to change; `code` needs the `base_version` that it was made from."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"code": ["base_version"]}})

    name: Name | None = None
    members: list[UserName] | None = None
    code: Text | None = None
    base_version: VersionNumber | None = None


class StartSessionRequest(_Request):
    """Without `node_id` the session is about the whole project."""

    node_id: Annotated[
        Text | None,
        Field(
            description="The name of an agent's variable: letters, digits, '_', '.' and '-', at most 200 bytes of "
            "UTF-8, beginning with a letter, a digit or '_'. The agent need not be in the code yet."
        ),
    ] = None


class SendMessageRequest(_Request):
    """A prompt; the same `message_id` again in the session runs nothing again."""

    prompt: Annotated[
        Text,
        Field(
            description="At least one visible character; at most 32,000 bytes of UTF-8 (a setting).",
            # For the document alone: the domain refuses a blank prompt, under a code of its own.
            json_schema_extra={"minLength": 1, "pattern": r"\S"},
        ),
    ]
    message_id: Annotated[UUID | None, Field(description="Not together with an `Idempotency-Key`.")] = None


def _is_true(known: bool) -> bool:
    return known


# Left out where it is true: most lists are known, and there are up to 200 nodes.
Known = Annotated[bool, Field(exclude_if=_is_true, json_schema_extra={"x-omitted-when": True})]


class NodeBody(_Body):
    """One agent of the workflow; `handoffs_known` and `tools_known` are there only where they are false."""

    name: str
    handoffs: list[str]
    tools: list[str]
    handoffs_known: Known = True
    tools_known: Known = True


class ProjectBody(_Body):
    """A project; all its nodes together have at most 64 KB."""

    project_id: str
    name: str
    owner: str
    members: list[str]
    code: str
    version: int
    nodes: list[NodeBody]
    nodes_truncated: bool
    created_at: datetime
    updated_at: datetime


class ProjectEntryBody(_Body):
    """A project in a list: without its code and nodes, which are read at `/projects/{project_id}`."""

    project_id: str
    name: str
    owner: str
    members: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class ProjectList(_Answer):
    """A page of projects."""

    projects: list[ProjectEntryBody]
    next_cursor: str | None


class DeletedProject(_Answer):
    """The project is gone."""

    project_id: str
    deleted: Literal[True] = True


class VersionBody(_Body):
    """A line of the version history."""

    version: int
    message_id: str | None
    commit_message: str
    created_at: datetime


class VersionList(_Answer):
    """A page of the version history."""

    project_id: str
    versions: list[VersionBody]
    next_cursor: str | None


class SessionBody(_Body):
    """A session; `node_exists` tells of the project's code as it is now."""

    session_id: str
    project_id: str
    session_type: Literal["global", "node"]
    node_id: str | None
    node_exists: bool | None
    openai_session_key: str
    message_count: int
    last_seq: int
    token_usage: TokenUsage
    created_at: datetime

    @classmethod
    def of(cls, session: Session, node_exists: bool | None) -> "SessionBody":
        """The body of a session."""
        names = cls.model_fields.keys() - {"node_exists"}
        return cls(**{name: getattr(session, name) for name in names}, node_exists=node_exists)


class SessionList(_Answer):
    """The sessions of a project."""

    project_id: str
    sessions: list[SessionBody]
    next_cursor: str | None


class DeletedSession(_Answer):
    """The session is gone."""

    session_id: str
    deleted: Literal[True] = True


class ErrorBody(_Body):
    """Why a message failed or was cancelled; `code` is stable."""

    code: str
    detail: str


class MessageBody(_Body):
    """A message; in a list a long field is null, with `href` where it can be read."""

    message_id: str
    session_id: str
    project_id: str
    number: int
    prompt: str | None
    status: MessageStatus
    content: str | None
    patch: str | None
    base_version: int | None
    version: int | None
    token_usage: TokenUsage
    model: str | None
    iterations: int
    attempt: int
    error: ErrorBody | None
    created_at: datetime
    completed_at: datetime | None
    href: str | None = None


class MessageList(_Answer):
    """A page of a session's messages."""

    session_id: str
    messages: list[MessageBody]
    count: int
    next_cursor: str | None


class ToolCallBody(_Answer):
    """A tool call of the model: arguments as the JSON text that it wrote."""

    attempt: int
    agent: AgentName
    iteration: int
    call_id: str
    name: str
    arguments: str


class ModelResponseBody(_Answer):
    """One model call: `response` is its full JSON, or null with an `href` where all together are too large."""

    attempt: int
    agent: AgentName
    iteration: int
    response_id: str
    model: str
    usage: TokenUsage
    response: dict[str, Any] | None
    href: str | None = None

    @classmethod
    def of(cls, answer: ModelResponse, response: dict[str, Any]) -> "ModelResponseBody":
        """The body of a model response, whose own JSON is given as read."""
        return cls(
            attempt=answer.attempt,
            agent=answer.agent,
            iteration=answer.iteration,
            response_id=answer.response_id,
            model=answer.model,
            usage=answer.usage,
            response=response,
        )


class OpenAIResponseBody(_Answer):
    """All model calls of a message."""

    responses: list[ModelResponseBody]


class FullMessageBody(_Answer):
    """Everything the model said for a message."""

    message_id: str
    session_id: str
    model: str | None
    usage: TokenUsage
    tool_calls: list[ToolCallBody]
    openai_response: OpenAIResponseBody


class ResponsePart(_Answer):
    """A piece of a model response over 4 MB: the `text`s of all parts, put together in order, are its JSON."""

    message_id: str
    session_id: str
    response_id: str
    part: int
    parts: int
    text: str
    next_href: str | None


class EventList(_Answer):
    """A page of a session's event log."""

    session_id: str
    events: list[dict[str, Any]]
    last_seq: int
    truncated: bool


class Health(_Answer):
    """The API answers."""

    status: Literal["ok"] = "ok"
    version: str
    engine: str
