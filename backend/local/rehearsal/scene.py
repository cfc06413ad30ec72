"""Which agent a request means: the one it names, or the one the conversation is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from backend.local.rehearsal.conversation import texts_newest_first
from backend.local.rehearsal.reply import Json
from backend.local.rehearsal.source import AgentDef, Module
from backend.local.rehearsal.words import content_words, key_words


@dataclass(frozen=True)
class Mention:
    """An agent named in a text, and where."""

    start: int
    end: int
    agent: AgentDef


@dataclass(frozen=True)
class Scene:
    """Everything a rule may look at.

    Attributes:
        code: The source as it is now.
        focus: The node the session is about, if any.
        history: The items before the request.
        touched: Variable of the agent that an earlier part of the request made or changed.
    """

    code: str
    focus: str | None = None
    history: Sequence[Json] = ()
    touched: str | None = None

    @cached_property
    def module(self) -> Module:
        """The parsed source. Raises SyntaxError when it is not Python."""
        return Module(self.code)

    @property
    def agents(self) -> list[AgentDef]:
        """The agents of the source."""
        return self.module.agents

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        keys = [(key, index) for index, agent in enumerate(self.agents) for key in _keys(agent)]
        keys.sort(key=lambda pair: len(pair[0]), reverse=True)
        gap = r"[\s_-]*"
        parts = [f"(?P<k{order}_{index}>{gap.join(key)})" for order, (key, index) in enumerate(keys)]
        return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?:[\s_-]*agents?)?(?!\w)", re.I) if parts else None

    @cached_property
    def _first_words(self) -> set[str]:
        return {key[0] for agent in self.agents for key in _keys(agent)}

    def mentions(self, text: str) -> list[Mention]:
        """Find the agents a text names.

        Args:
            text: Any text.

        Returns:
            Them in the order of the text; one agent may come several times.
        """
        lowered = text.lower()
        if self._pattern is None or not any(word in lowered for word in self._first_words):
            return []  # the pattern is slow on long conversations
        return [
            Mention(match.start(), match.end(), self.agents[int((match.lastgroup or "_0").split("_")[1])])
            for match in self._pattern.finditer(text)
        ]

    def named(self, text: str) -> list[AgentDef]:
        """Find the agents a text names, each once.

        Args:
            text: Any text.

        Returns:
            Them in the order of the text.
        """
        return list({mention.agent.var: mention.agent for mention in self.mentions(text)}.values())

    def resolve(self, phrase: str) -> list[AgentDef]:
        """Find the agents a phrase means.

        Args:
            phrase: Such as `the billing agent`, `triage and billing` or `it`.

        Returns:
            The agents; the one the conversation is about when the phrase names nothing. Empty when it
            names something that is not an agent of the code.
        """
        exact = [agent for agent in self.agents if agent.var == phrase.strip()]
        found = exact or self.named(phrase)
        if found:
            return found
        words = set(content_words(phrase))
        if not words:
            return [agent for agent in [self.it()] if agent is not None]
        return [agent for agent in self.agents if any(words <= set(key) for key in _keys(agent))][:1]

    def it(self) -> AgentDef | None:
        """Find the agent that `it` means.

        Returns:
            The agent this request made, else the node of the session, else the one the conversation
            named last, else the last of the file; None when the file has none.
        """
        for known in (self.touched, self.focus):
            for agent in self.agents:
                if known and known in (agent.var, agent.name):
                    return agent
        for text in texts_newest_first(self.history):
            found = self.mentions(text)
            if found:
                return found[-1].agent
        return self.agents[-1] if self.agents else None


def _keys(agent: AgentDef) -> list[tuple[str, ...]]:
    keys = {tuple(key_words(agent.var)), tuple(key_words(agent.name))}
    return sorted(key for key in keys if key)
