"""The port of the agents: VibeCoder writes patches, the Evaluator reviews them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Item
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage


@dataclass(frozen=True, slots=True)
class Brief:
    """The input of VibeCoder in one iteration.

    Attributes:
        prompt: what the user wrote; used in the first iteration only.
        feedback: why the last patch was not accepted; from the second iteration on.
        node_source: the source of the session's node; None where the code has no such node.
    """

    project_name: str
    code: str
    version: int
    iteration: int
    prompt: str
    feedback: str | None = None
    node_id: str | None = None
    node_source: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The output of VibeCoder in one iteration: text, and the new code if it submitted a valid patch."""

    content: str
    new_code: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The input of the Evaluator: a patch to review."""

    prompt: str
    code: str
    new_code: str
    patch: str
    iteration: int
    earlier_reviews: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """The output of the Evaluator."""

    approved: bool
    reasoning: str
    commit_message: str


class TurnRecorder(Protocol):
    """Records what the agents do, as it happens."""

    async def record_response(
        self, agent: AgentName, iteration: int, *, response_id: str, model: str, usage: TokenUsage, body: Item
    ) -> None:
        """Record a model response that has ended, complete or not. An empty `response_id` is replaced by a new id."""
        ...

    async def record_retry(self, agent: AgentName, iteration: int, reason: TurnError, seconds: float) -> None:
        """Record that a failed model call is retried in so many seconds."""
        ...

    def stream_text(self, agent: AgentName, iteration: int, text: str) -> None:
        """Publish text that the model wrote. Returns immediately."""
        ...


class AgentTurn(Protocol):
    """The agents of one turn, whose calls share one conversation. Each call raises TurnError when a model fails."""

    async def write(self, brief: Brief) -> Draft:
        """Run VibeCoder."""
        ...

    async def review(self, proposal: Proposal) -> Review:
        """Run the Evaluator on a patch. It has no memory of its own."""
        ...

    def new_items(self) -> tuple[Item, ...]:
        """The items that the turn has added to the conversation so far."""
        ...


# Starts the agents of a turn, from the conversation so far and a recorder.
BeginAgentTurn = Callable[[Sequence[Item], TurnRecorder], AgentTurn]
