"""The events of a session: the contract between the worker, the log, the relay and every client. Version 1.

A *logged* event carries `seq`, its number in its session, and can be read again for seven days. A *live* event
has no number: it is only worth something to whoever is looking right now, and is lost without harm.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

CONTRACT_VERSION = 1
MAX_EVENT_BYTES = 200_000
# Only these fields can be long; one of them yields to `null` with an `href` in an event that is too large.
_LONG_FIELDS = ("prompt", "content", "patch", "patch_preview", "detail")

AgentName = Literal["vibecoder", "evaluator"]


def room_of(project_id: str) -> str:
    """The Socket.IO room in which the events of a project are heard."""
    return f"project_{project_id}"


# A function that starts uses two or three of these.
_BUILT_WHEN_USED = ConfigDict(defer_build=True)


class TokenUsage(BaseModel):
    """Tokens that were billed. Sums with `+`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    # Of the prompt's, those that the model's server had in its cache; of the completion's, those it thought with.
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(**{name: getattr(self, name) + getattr(other, name) for name in TokenUsage.model_fields})


class EventBase(BaseModel):
    """What every event of a session has."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    event_id: str
    project_id: str
    session_id: str
    created_at: datetime


class LoggedBase(EventBase):
    """What every logged event has; `href` says where a field that is null for its size can be read."""

    # 0 until the event log has numbered it.
    seq: int = 0
    attempt: int = 0
    href: str | None = None


class MessageEventBase(LoggedBase):
    """What every logged event of a message has."""

    message_id: str


class MessageStartedEvent(MessageEventBase):
    """A turn was begun; a higher `attempt` voids what the lower one streamed."""

    type: Literal["message_started"] = "message_started"
    prompt: str | None


class TokenUsageEvent(MessageEventBase):
    """One model response has ended; sent once for each, those of failed turns included."""

    type: Literal["token_usage"] = "token_usage"
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    model: str
    agent: AgentName
    iteration: int
    response_id: str


class AgentIterationEvent(MessageEventBase):
    """VibeCoder made an attempt, or the Evaluator reviewed it (`approved` is then true or false)."""

    type: Literal["agent_iteration"] = "agent_iteration"
    agent: AgentName
    iteration: int
    content: str | None
    patch_preview: str | None = None
    approved: bool | None = None


class RetryScheduledEvent(MessageEventBase):
    """What failed may pass and is tried again at `retry_at`: a model call, or (agent null) the whole turn."""

    type: Literal["retry_scheduled"] = "retry_scheduled"
    code: str
    detail: str | None
    retry_at: datetime
    agent: AgentName | None = None
    iteration: int | None = None


class VibecodeResponseEvent(MessageEventBase):
    """The answer, once per message. `token_usage` sums over all attempts."""

    type: Literal["vibecode_response"] = "vibecode_response"
    status: Literal["completed"] = "completed"
    content: str | None
    patch: str | None
    token_usage: TokenUsage = TokenUsage()
    iterations: int
    base_version: int
    version: int


class _Ended(MessageEventBase):
    code: str
    detail: str | None
    token_usage: TokenUsage = TokenUsage()


class MessageFailedEvent(_Ended):
    """The message ended without an answer; `code` is stable, `detail` is for people."""

    type: Literal["message_failed"] = "message_failed"


class MessageCancelledEvent(_Ended):
    """The message was cancelled, or its session was deleted."""

    type: Literal["message_cancelled"] = "message_cancelled"


class SessionDeletedEvent(LoggedBase):
    """The session is gone; no later event of it exists."""

    type: Literal["session_deleted"] = "session_deleted"
    message_id: None = None


class TextDeltaEvent(EventBase):
    """Live only: text that the model is writing. `offset` counts characters from the iteration's start."""

    type: Literal["text_delta"] = "text_delta"
    message_id: str
    attempt: int
    agent: AgentName
    iteration: int
    offset: int
    text: str


class MessageQueuedEvent(EventBase):
    """Live only: a message was accepted and waits for its turn."""

    type: Literal["message_queued"] = "message_queued"
    message_id: str
    attempt: int = 0
    prompt: str | None
    href: str | None = None


class CodeChangedEvent(BaseModel):
    """Live only: the project has a new code version, made by a message or (message null) by a person."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Literal["code_changed"] = "code_changed"
    event_id: str
    project_id: str
    session_id: str | None
    message_id: str | None
    attempt: int = 0
    created_at: datetime
    version: int


class AccessChangedEvent(BaseModel):
    """On the bus only, for the relays: look again at who may hear the project."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Literal["access_changed"] = "access_changed"
    event_id: str
    project_id: str
    created_at: datetime


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
EndingEvent = VibecodeResponseEvent | MessageFailedEvent | MessageCancelledEvent
ENDING_TYPES = frozenset(model.model_fields["type"].default for model in get_args(EndingEvent))

logged_event_adapter: TypeAdapter[LoggedEvent] = TypeAdapter(
    Annotated[LoggedEvent, Field(discriminator="type")], config=_BUILT_WHEN_USED
)
BusMessage = Event | AccessChangedEvent
bus_message_adapter: TypeAdapter[BusMessage] = TypeAdapter(
    Annotated[BusMessage, Field(discriminator="type")], config=_BUILT_WHEN_USED
)


AnyEvent = TypeVar("AnyEvent", bound=BaseModel)


def event_payload(event: Event) -> dict[str, Any]:
    """What a client receives: plain JSON values."""
    return event.model_dump(mode="json")


def fit_event(event: AnyEvent, href: str, limit: int = MAX_EVENT_BYTES) -> AnyEvent:
    """Bound an event's size.

    Args:
        event: what is to be logged or sent.
        href: where what does not fit can be read, as a path of the API.
        limit: bytes of JSON.

    Returns:
        The same event where it fits; else a copy whose largest fields are `null`, with `href` set.
    """
    while len(event.model_dump_json().encode()) > limit:
        long = {name: value for name in _LONG_FIELDS if (value := getattr(event, name, None)) is not None}
        if not long:
            raise ValueError(f"A {type(event).__name__} of over {limit} bytes has no field that can yield")
        largest = max(long, key=lambda name: len(long[name].encode()))
        event = event.model_copy(update={largest: None, "href": href})
    return event
