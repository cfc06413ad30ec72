"""A message: one prompt and all that came of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.app.domain.projects.workflow.workflow import NO_WORKFLOW, Workflow
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage

# An item of a conversation as the Responses API writes it; opaque to the domain.
Item = dict[str, Any]


class MessageStatus(StrEnum):
    """queued -> running -> one of the three ends, which are for good."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether the message still waits for its end."""
        return self in (MessageStatus.QUEUED, MessageStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class MessageError:
    """Why a message failed or was cancelled."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class TurnRef:
    """One attempt of one message's turn: the fence that every write of the turn carries."""

    message_id: str
    session_id: str
    project_id: str
    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Message:
    """One exchange. `attempt` counts how often its turn was begun; `number` is its place in the session.

    Attributes:
        due_at: of the first open message of its session: a worker must have it by then, else it is lost. While it runs,
            the end of its lease.
        rescues: how often it was notified again since its last attempt began.
    """

    message_id: str
    session_id: str
    project_id: str
    prompt: str
    created_at: datetime
    number: int = 0
    status: MessageStatus = MessageStatus.QUEUED
    content: str | None = None
    patch: str | None = None
    base_version: int | None = None
    version: int | None = None
    token_usage: TokenUsage = TokenUsage()
    model: str | None = None
    iterations: int = 0
    attempt: int = 0
    error: MessageError | None = None
    completed_at: datetime | None = None
    lease_until: datetime | None = None
    cancel_requested: bool = False
    # How it is looked after is no part of what it is.
    due_at: datetime | None = field(default=None, compare=False)
    rescues: int = field(default=0, compare=False)

    @property
    def turn(self) -> TurnRef:
        """The newest attempt of the message's turn."""
        return TurnRef(self.message_id, self.session_id, self.project_id, self.number, self.attempt)


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One model call's whole answer.

    Attributes:
        call: 1, 2, 3 ... within the attempt.
        body: the response as the API sent it, as JSON text: it may be large, and only who answers for it reads it.
    """

    message_id: str
    attempt: int
    call: int
    agent: AgentName
    iteration: int
    response_id: str
    model: str
    usage: TokenUsage
    body: str


@dataclass(frozen=True, slots=True)
class CompletedTurn:
    """What a completed message added to the conversation's memory."""

    number: int
    message_id: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """What a turn came to: text, and where the code changed, the patch that was approved.

    Attributes:
        base_code: the code that the patch was made for, version `base_version`.
        new_code: None where the code stays as it is.
        workflow: what the new code says.
    """

    content: str
    iterations: int
    base_version: int
    base_code: str
    new_code: str | None = None
    patch: str | None = None
    workflow: Workflow = NO_WORKFLOW
    commit_message: str = ""
