"""The request context: what a model call of VibeCoder says, and which agents it names or means."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from backend.app.domain.turns.iteration_loop import REJECTED
from backend.app.programs.vibecoder.prompt_tags import CODE, PATCH_TOOL, focus_node, section
from backend.local.demo_model.names import key_of, listed
from backend.local.demo_model.response import Json, text_in
from backend.local.demo_model.source import AgentCall, CannotEditError, WorkflowSource

ALL = re.compile(r"\b(?:all|every|each|everyone|everybody|both|them|others?)\b", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|its|this|that|new) ?(?:one|agent)?\b|^\W*$", re.IGNORECASE)
_MAX_LISTED, _MAX_HISTORY, _MAX_NAME = 20, 200, 6
_NO_NAMES = (("a",), ("an",), ("it",))


@dataclass(frozen=True)
class RequestContext:
    """What a model call says, with the code as it is after the intents so far."""

    request: str
    code: str
    focus: str | None = None  # the node of the session
    history: Sequence[Json] = ()  # the items before the request
    outputs: Sequence[str] = ()  # of the patch tool since
    rejections: int = 0  # by the reviewer since
    touched: tuple[str, ...] = ()  # the variables of the agents that the intents so far were about

    @cached_property
    def source(self) -> WorkflowSource:
        """The parsed code. Raises InvalidSourceError."""
        return WorkflowSource(self.code)

    @property
    def variables(self) -> list[str]:
        """The variables of the agents."""
        return [agent.var for agent in self.source.agents]

    @cached_property
    def keys(self) -> dict[tuple[str, ...], AgentCall]:
        """What the agents are called in a request: the words of their names and variables."""
        keys = {key_of(name): agent for agent in self.source.agents for name in (agent.name, agent.var)}
        return {key: agent for key, agent in keys.items() if 0 < len(key) <= _MAX_NAME and key not in _NO_NAMES}

    def named(self, text: str) -> list[AgentCall]:
        """The agents that a text names, in its order, each once."""
        words, longest = key_of(text), max(map(len, self.keys), default=0)
        found: dict[str, AgentCall] = {}
        at = 0
        while at < len(words):
            size = next((size for size in range(longest, 0, -1) if words[at : at + size] in self.keys), 0)
            if size:
                agent = self.keys[words[at : at + size]]
                found.setdefault(agent.var, agent)
            at += size or 1
        return list(found.values())

    def meant(self, text: str) -> list[AgentCall]:
        """The agents that a phrase names or means. Raises CannotEditError where there are none."""
        if named := self.named(text):
            return named
        if ALL.search(text):
            recent = [agent for agent in self.source.agents if agent.var in self.touched]
            return recent if len(recent) > 1 else self.source.agents or [self.it()]
        if _IT.search(text):
            return [self.it()]
        known = listed(self.variables[:_MAX_LISTED]) or "none"
        raise CannotEditError(f"I do not know which agent you mean by '{text.strip()[:60]}'. The agents are: {known}.")

    def it(self) -> AgentCall:
        """The agent that this request, the session or the history is about; else the last one."""
        if not self.source.agents:
            raise CannotEditError('There is no agent in the code yet. Say "Create a triage agent".')
        known = [var for var in (*reversed(self.touched), self.focus) if var in self.variables]
        subjects = (text.partition(" hands off")[0] for text in _texts(self.history))
        texts = (named[-1].var for text in subjects if (named := self.named(text)))
        return self.source.agent(known[0] if known else next(texts, self.variables[-1]))


def read_context(given: str | Sequence[Json]) -> RequestContext | None:
    """Read the input of a model call; None where it shows no code."""
    items = [] if isinstance(given, str) else given
    notes = [(at, text_in(item)) for at, item in enumerate(items) if item.get("role") == "developer"]
    shown = [text for _, text in notes if f"\n<{CODE}>" in f"\n{text}"]
    asked = max((at for at, item in enumerate(items) if item.get("role") == "user"), default=None)
    if asked is None or not shown:
        return None
    run = items[max(asked, *(at for at, _ in notes)) :]
    patches = {item.get("call_id") for item in run if item.get("name") == PATCH_TOOL}
    return RequestContext(
        request=text_in(items[asked]),
        code=section(shown[-1], CODE).rstrip("\r\n").replace("\r\n", "\n"),
        focus=focus_node(shown[-1]),
        history=items[:asked],
        outputs=[text_in(item) for item in run if "output" in item and item.get("call_id") in patches],
        rejections=sum(at > asked and text.startswith(REJECTED) for at, text in notes),
    )


def _texts(history: Sequence[Json]) -> Iterator[str]:
    """What person and agent wrote, the newest first, and the lines that patches added."""
    for item in reversed(history[-_MAX_HISTORY:]):
        if item.get("role") in ("user", "assistant"):
            yield text_in(item)
        elif item.get("name") == PATCH_TOOL:
            try:
                yield " ".join(re.findall(r"^\+(.*)", json.loads(item["arguments"])["diff"], re.MULTILINE))
            except (ValueError, LookupError, TypeError):
                continue  # a call that the tool refused
