"""The events of a session: the contract between the worker, the log, the relay and every client. Version 1.

A *logged* event has a `seq`, its number in the session, and can be read for seven days. A *live* event has none: it is
only sent to clients that are connected.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.event_fields import (
    Agent,
    AgentName,
    Attempt,
    BaseVersion,
    CachedTokens,
    Content,
    Href,
    Iteration,
    Iterations,
    Patch,
    ReasoningTokens,
    ResponseId,
    Seq,
    Version,
)
from shared.token_usage import TokenUsage, TotalUsage

CONTRACT_VERSION = 1


def room_of(project_id: str) -> str:
    """The Socket.IO room to which the events of a project are sent."""
    return f"project_{project_id}"


class EventBase(BaseModel):
    """The fields of every event of a session."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    event_id: Annotated[str, Field(description="Unique.")]
    project_id: str
    session_id: str
    created_at: datetime


class LoggedBase(EventBase):
    """The fields of every logged event; `seq` is 0 until the event log has numbered it."""

    seq: Seq = 0
    attempt: Attempt = 0
    href: Href = None


class MessageEventBase(LoggedBase):
    """The fields of every logged event of a message."""

    message_id: str


class MessageStartedEvent(MessageEventBase):
    """A turn was started; text streamed by a lower `attempt` is void."""

    type: Literal["message_started"] = "message_started"
    prompt: str | None


class TokenUsageEvent(MessageEventBase):
    """A model response has ended; sent once per response, also in failed turns."""

    type: Literal["token_usage"] = "token_usage"
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: CachedTokens = 0
    reasoning_tokens: ReasoningTokens = 0
    model: str
    agent: Agent
    iteration: Iteration
    response_id: ResponseId


class AgentIterationEvent(MessageEventBase):
    """VibeCoder made an attempt, or the Evaluator reviewed one (then `approved` is true or false)."""

    type: Literal["agent_iteration"] = "agent_iteration"
    agent: Agent
    iteration: Iteration
    content: Content
    patch_preview: Annotated[str | None, Field(description="The proposed patch, not applied yet.")] = None
    approved: Annotated[
        bool | None, Field(description="The Evaluator's decision; null: this is an attempt of VibeCoder.")
    ] = None


class RetryScheduledEvent(MessageEventBase):
    """A temporary failure; the model call, or (agent null) the turn, is retried at `retry_at`."""

    type: Literal["retry_scheduled"] = "retry_scheduled"
    code: str
    detail: str | None
    retry_at: Annotated[datetime, Field(description="When it is retried.")]
    agent: Annotated[AgentName | None, Field(description="The agent whose model call failed; null: the turn.")] = None
    iteration: Annotated[int | None, Field(description="The iteration of that agent.")] = None


class VibecodeResponseEvent(MessageEventBase):
    """The answer; sent once per message."""

    type: Literal["vibecode_response"] = "vibecode_response"
    status: Literal["completed"] = "completed"
    content: Content
    patch: Patch
    token_usage: TotalUsage = TokenUsage()
    iterations: Iterations
    base_version: BaseVersion
    version: Version


class _Ended(MessageEventBase):
    code: str
    detail: str | None
    token_usage: TotalUsage = TokenUsage()


class MessageFailedEvent(_Ended):
    """The message failed; `code` is stable, `detail` is for people."""

    type: Literal["message_failed"] = "message_failed"


class MessageCancelledEvent(_Ended):
    """The message was cancelled, or its session was deleted."""

    type: Literal["message_cancelled"] = "message_cancelled"


class SessionDeletedEvent(LoggedBase):
    """The session was deleted; this is its last event."""

    type: Literal["session_deleted"] = "session_deleted"
    message_id: None = None


class TextDeltaEvent(EventBase):
    """Live only: text that the model is writing."""

    type: Literal["text_delta"] = "text_delta"
    message_id: str
    attempt: Attempt
    agent: Agent
    iteration: Iteration
    offset: Annotated[
        int, Field(description="Where `text` starts, in characters of this agent's text in this iteration.")
    ]
    text: str


class MessageQueuedEvent(EventBase):
    """Live only: a message was accepted and is queued."""

    type: Literal["message_queued"] = "message_queued"
    message_id: str
    attempt: Attempt = 0
    prompt: str | None
    href: Href = None


class CodeChangedEvent(BaseModel):
    """Live only: the project's code has a new version, from a message or (message null) from a user's edit."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Literal["code_changed"] = "code_changed"
    event_id: str
    project_id: str
    session_id: str | None
    message_id: str | None
    attempt: Attempt = 0
    created_at: datetime
    version: Version


LoggedEvent = (
    MessageStartedEvent
    | TokenUsageEvent
    | AgentIterationEvent
    | RetryScheduledEvent
    | VibecodeResponseEvent
    | MessageFailedEvent
    | MessageCancelledEvent
    | SessionDeletedEvent
)
LiveEvent = TextDeltaEvent | MessageQueuedEvent | CodeChangedEvent
Event = LoggedEvent | LiveEvent
EVENT_TYPES = tuple(str(model.model_fields["type"].default) for model in get_args(Event))
EndingEvent = VibecodeResponseEvent | MessageFailedEvent | MessageCancelledEvent
ENDING_TYPES = frozenset(model.model_fields["type"].default for model in get_args(EndingEvent))

# defer_build, here and above: a function uses two or three of the models.
logged_event_adapter: TypeAdapter[LoggedEvent] = TypeAdapter(
    Annotated[LoggedEvent, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)


def event_payload(event: Event) -> dict[str, Any]:
    """The event as a client receives it: plain JSON values."""
    return event.model_dump(mode="json")
