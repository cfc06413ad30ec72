"""A message: one prompt and the result of its turn."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from backend.app.domain.projects.workflow.workflow import NO_WORKFLOW, Workflow
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage

# An item of a conversation in the format of the Responses API; opaque to the domain.
Item = dict[str, Any]


class MessageStatus(StrEnum):
    """queued -> running -> completed, failed or cancelled, which are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether the message has not ended yet."""
        match self:
            case MessageStatus.QUEUED | MessageStatus.RUNNING:
                return True
            case MessageStatus.COMPLETED | MessageStatus.FAILED | MessageStatus.CANCELLED:
                return False
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class MessageError:
    """Why a message failed or was cancelled."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class TurnRef:
    """One attempt of a message's turn: the fence of every write of the turn."""

    message_id: str
    session_id: str
    project_id: str
    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Message:
    """One exchange. `attempt` counts how often its turn was started; `number` is its position in the session.

    Attributes:
        due_at: for the first open message of its session: if no worker holds it by then, it is lost. While it runs, the
            end of its lease.
        rescues: how often it was enqueued again since its last attempt was started.
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
    # Bookkeeping of the abandoned-turn search, not part of the message.
    due_at: datetime | None = field(default=None, compare=False)
    rescues: int = field(default=0, compare=False)

    @property
    def turn(self) -> TurnRef:
        """The newest attempt of the message's turn."""
        return TurnRef(self.message_id, self.session_id, self.project_id, self.number, self.attempt)


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """The complete response of one model call.

    Attributes:
        call: 1, 2, 3 ... within the attempt.
        body: the response as JSON text, as the API sent it; it may be large.
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
    """What a completed turn adds to the conversation's memory."""

    number: int
    message_id: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """The answer of a turn: text, and where the code changed, the approved patch.

    Attributes:
        base_code: the code of version `base_version`, to which the patch applies.
        new_code: None where the code is unchanged.
        workflow: the workflow that was read from the new code.
    """

    content: str
    iterations: int
    base_version: int
    base_code: str
    new_code: str | None = None
    patch: str | None = None
    workflow: Workflow = NO_WORKFLOW
    commit_message: str = ""
