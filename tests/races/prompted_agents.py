"""Agents that do what the prompt's first word says: for many turns at the same time, in any order."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Item
from backend.app.domain.turns.agent_port import Brief, Draft, Proposal, Review, TurnRecorder
from shared.event_fields import AgentName
from shared.token_usage import TokenUsage

USAGE = TokenUsage(prompt_tokens=10, completion_tokens=5, total_tokens=15)

# What the words make of a turn: an answer in text; a line at the end or at the beginning of the code; a rejected patch;
# one passing failure, then an answer; passing failures for ever; a lasting failure.
WORDS = ("say", "add", "top", "reject", "stumble", "limp", "break")


def line_of(prompt: str) -> str:
    """The line of code that the prompt asks for."""
    word, _, rest = prompt.partition(" ")
    name = rest.replace(" ", "_")
    return f"# {name}\n" if word == "top" else f"{name} = 1\n"


def answer_of(prompt: str) -> str:
    return f"Answer to: {prompt}"


def items_of(prompt: str) -> list[Item]:
    """What a completed turn adds to the memory: whatever happened on the way, the prompt and the answer."""
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer_of(prompt)}]


@dataclass
class Hold:
    """A turn that waits in the middle of its work."""

    prompt: str
    let_go: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class PromptedAgents:
    """`holds` are the turns whose prompt has "slow" in it, which wait once an attempt until they are let go."""

    begun: Counter[str] = field(default_factory=Counter)
    histories: list[tuple[str, tuple[Item, ...]]] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def begin_turn(self, history: Sequence[Item], recorder: TurnRecorder) -> "PromptedTurn":
        return PromptedTurn(self, tuple(history), recorder)

    async def hold(self, prompt: str) -> None:
        hold = Hold(prompt)
        self.holds.append(hold)
        self.held.set()
        try:
            await hold.let_go.wait()
        finally:
            self.holds.remove(hold)


class PromptedTurn:
    def __init__(self, agents: PromptedAgents, history: tuple[Item, ...], recorder: TurnRecorder) -> None:
        self._agents = agents
        self._history = history
        self._recorder = recorder
        self._prompt = ""
        self._calls = 0

    async def write(self, brief: Brief) -> Draft:
        self._prompt = brief.prompt
        if brief.iteration == 1:
            self._agents.begun[brief.prompt] += 1
            self._agents.histories.append((brief.prompt, self._history))
            if " slow" in brief.prompt:
                await self._agents.hold(brief.prompt)
        await self._record("vibecoder", brief.iteration, answer_of(brief.prompt))
        return Draft(answer_of(brief.prompt), self._new_code(brief.prompt.partition(" ")[0], brief.code))

    async def review(self, proposal: Proposal) -> Review:
        approved = not proposal.prompt.startswith("reject")
        reasoning = f"Review of: {proposal.prompt}"
        await self._record("evaluator", proposal.iteration, reasoning)
        return Review(approved=approved, reasoning=reasoning, commit_message=f"Commit: {proposal.prompt}")

    def new_items(self) -> tuple[Item, ...]:
        return tuple(items_of(self._prompt))

    def _new_code(self, word: str, code: str) -> str | None:
        if word == "break":
            raise TurnError("model_quota", "The quota is spent.", retryable=False)
        if word == "limp" or (word == "stumble" and self._agents.begun[self._prompt] == 1):
            raise TurnError("model_unavailable", "503", retryable=True)
        if word in ("say", "stumble"):
            return None
        line = line_of(self._prompt)
        return line + code if word == "top" else code + line

    async def _record(self, agent: AgentName, iteration: int, said: str) -> None:
        self._calls += 1
        await self._recorder.record_response(
            agent,
            iteration,
            response_id=f"resp_{self._calls}",
            model="prompted",
            usage=USAGE,
            body={"object": "response", "output": [{"type": "message", "content": said}]},
        )
