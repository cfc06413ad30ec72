"""What the turn needs of the agents: VibeCoder, who writes patches, and the Evaluator, who reviews them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Item
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage


@dataclass(frozen=True, slots=True)
class Brief:
    """What VibeCoder is asked in one iteration.

    Attributes:
        prompt: what the person wrote; only for the first iteration.
        feedback: why the last patch was not taken; from the second iteration on.
        node_source: the source of the node in focus; None where the code has no such node (yet).
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
    """What VibeCoder made of a brief: text, and the new code where it submitted a valid patch."""

    content: str
    new_code: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the Evaluator is asked to review."""

    prompt: str
    code: str
    new_code: str
    patch: str
    iteration: int
    earlier_reviews: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What the Evaluator found."""

    approved: bool
    reasoning: str
    commit_message: str


class TurnRecorder(Protocol):
    """Takes note of what the agents do, the moment it happens."""

    async def record_response(
        self, agent: AgentName, iteration: int, *, response_id: str, model: str, usage: TokenUsage, body: Item
    ) -> None:
        """A model response has ended, well or not. An empty `response_id` is given a name here."""
        ...

    async def record_retry(self, agent: AgentName, iteration: int, reason: TurnError, seconds: float) -> None:
        """A model call that failed is made again in so many seconds."""
        ...

    def stream_text(self, agent: AgentName, iteration: int, text: str) -> None:
        """The model wrote some more text. Never waits."""
        ...


class AgentTurn(Protocol):
    """The agents at work on one turn. All calls share one conversation. Each raises TurnError when a model fails."""

    async def write(self, brief: Brief) -> Draft:
        """Let VibeCoder answer."""
        ...

    async def review(self, proposal: Proposal) -> Review:
        """Let the Evaluator judge a patch. It has no memory of its own."""
        ...

    def new_items(self) -> tuple[Item, ...]:
        """What the turn has added to the conversation so far."""
        ...


# Begins the agents' work on a turn: the conversation so far, and who takes note.
BeginAgentTurn = Callable[[Sequence[Item], TurnRecorder], AgentTurn]
