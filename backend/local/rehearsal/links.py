"""The rules for what an agent can reach: handoffs to other agents, and tools."""

from __future__ import annotations

import re

from backend.local.rehearsal.changes import add_handoff, has_handoff, remove_handoff
from backend.local.rehearsal.outcome import Outcome, unknown_agent
from backend.local.rehearsal.scene import Scene
from backend.local.rehearsal.source import AgentDef
from backend.local.rehearsal.tools import add_tool
from backend.local.rehearsal.words import content_words, identifier, with_article, words_of

HANDOFF = re.compile(
    r"\b(?:hand(?:s|ed|ing)?[\s-]?(?:it\s+|them\s+|users?\s+|over\s+)?off?s?|hand(?:s|ing)?\s+over|handoffs?|"
    r"delegat(?:e|es|ing)|transfers?|escalat(?:e|es|ing)|rout(?:e|es|ing)|forwards?)\b",
    re.IGNORECASE,
)
_REMOVE = re.compile(r"\b(?:remove|delete|drop|stop|no\s+longer|not|don't|get\s+rid\s+of)\b", re.IGNORECASE)
_GIVE = re.compile(
    r"\b(?:give|gives|add|create|make|build|write|need|needs|want|get|have|has|with|equip)\b", re.IGNORECASE
)
_TOOL = re.compile(r"\b(?P<before>(?:[\w-]+\s+){0,3}?)tools?\b(?P<after>.*)", re.IGNORECASE | re.DOTALL)
_PURPOSE = re.compile(
    r"^\s*(?:(?:called|named)\s+[\"'`]?(?P<name>\w+)[\"'`]?)?\s*,?\s*"
    r"(?:(?P<third>(?:that|which)\b(?!\s+(?:can|will|should))\s+)|(?:(?:that|which)\s+(?:can|will|should)|to|for)\s+)?"
    r"(?P<what>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NAMES_NOBODY = re.compile(
    r"\b(?:to|for|from|of|as|a|remove|delete|drop|stop|no|longer|not|don't|that|which|who|questions?|users?)\b",
    re.IGNORECASE,
)
_MAX_NAME_WORDS = 4


def change_handoffs(clause: str, scene: Scene) -> Outcome | None:
    """Add or remove handoffs."""
    match = HANDOFF.search(clause)
    if match is None:
        return None
    before, after = _sides(clause, match)
    sources, targets = scene.resolve(_phrase(before)), scene.resolve(_phrase(after))
    if not sources or not targets or not words_of(_phrase(after)):
        return unknown_agent(_phrase(after if sources else before).strip(), scene)
    removing = _REMOVE.search(clause[: match.end()]) is not None
    pairs = [(one, other) for one in sources for other in targets if one.var != other.var]
    if not pairs:
        return Outcome(scene.code, f"{sources[0].var} cannot hand off to itself.")
    return _without_handoffs(pairs, scene) if removing else _with_handoffs(pairs, scene)


def _sides(clause: str, match: re.Match[str]) -> tuple[str, str]:
    """Cut a clause into who hands off and who takes over."""
    before, after = clause[: match.start()], clause[match.end() :]
    path = re.match(r"\s*from\s+(.+?)\s+to\s+(.+)$", after, re.IGNORECASE | re.DOTALL)
    if path:
        return path.group(1), path.group(2)
    origin = re.match(r"\s*(?:from|of)\s+(.+)$", after, re.IGNORECASE | re.DOTALL)
    if origin:
        return origin.group(1), before
    added = re.search(
        r"\b(?:add|remove|delete)\s+(.+?)\s+(?:as\s+an?|to|from|of)\s+(.*)$", before + " ", re.I | re.DOTALL
    )
    if added:
        owner = re.sub(r"^\s*(?:to|of|for)\s+", "", after) if not _phrase(added.group(2)).strip() else ""
        return f"{added.group(2)} {owner}", added.group(1)
    return before, after


def _phrase(side: str) -> str:
    """Leave the names: cut off what is said about when to hand off, and words that name nobody."""
    side = re.split(
        r"[,.;]|\b(?:when|if|whenever|once|because|so\s+that)\b", side.strip(" ,.;!?"), flags=re.IGNORECASE
    )[0]
    return _NAMES_NOBODY.sub(" ", side)


def _with_handoffs(pairs: list[tuple[AgentDef, AgentDef]], scene: Scene) -> Outcome:
    code, notes, touched = scene.code, [], []
    for source, target in pairs:
        if has_handoff(code, source.var, target.var):
            notes.append(f"{target.var} is already in the handoffs of {source.var}.")
            continue
        code = add_handoff(code, source.var, target.var)
        notes.append(f"I added {target.var} to the handoffs of {source.var}.")
        touched.append(source.var)
    return Outcome(code, " ".join(notes), tuple(dict.fromkeys(touched)))


def _without_handoffs(pairs: list[tuple[AgentDef, AgentDef]], scene: Scene) -> Outcome:
    code, notes, touched = scene.code, [], []
    for source, target in pairs:
        if not has_handoff(code, source.var, target.var):
            notes.append(f"{target.var} is not in the handoffs of {source.var}.")
            continue
        code = remove_handoff(code, source.var, target.var)
        notes.append(f"I removed {target.var} from the handoffs of {source.var}.")
        touched.append(source.var)
    return Outcome(code, " ".join(notes), tuple(dict.fromkeys(touched)))


def give_tool(clause: str, scene: Scene) -> Outcome | None:
    """Give an agent a new function tool."""
    if not re.search(r"\btools?\b", clause, re.IGNORECASE) or not _GIVE.search(clause):
        return None
    if _REMOVE.search(clause):
        return None
    agent, rest = _owner(clause, scene)
    if agent is None:
        return unknown_agent(rest, scene)
    match = _TOOL.search(rest)
    if match is None:
        return None
    name, purpose = _tool_words(match["before"], match["after"].strip(" .!?"))
    code, function = add_tool(scene.code, agent.var, name, purpose)
    return Outcome(code, f"I added the tool {function} to {agent.var}.", (agent.var,))


def _owner(clause: str, scene: Scene) -> tuple[AgentDef | None, str]:
    """Find the agent that gets the tool, and the clause without its name."""
    for mention in scene.mentions(clause):
        start = re.search(r"(?:\b(?:to|for|of)\s+)?(?:\b(?:the|my|our)\s+)?$", clause[: mention.start], re.IGNORECASE)
        rest = clause[: start.start() if start else mention.start] + " " + clause[mention.end :]
        return mention.agent, rest
    other = re.search(r"\b(?:give|to|for)\s+((?:the|my|our)\s+(?:[\w-]+\s+){1,3}?agent)\b", clause, re.IGNORECASE)
    if other is not None and content_words(other.group(1)):
        return None, other.group(1)
    rest = re.sub(
        r"\b(?:give|to|for)\s+(?:it|him|her|them|(?:this|that|the)\s+agent)\b",
        " ",
        clause,
        flags=re.IGNORECASE,
    )
    return scene.it(), rest


def _tool_words(before: str, after: str) -> tuple[str, str]:
    """Choose the function's name and what its docstring says."""
    match = _PURPOSE.match(after)
    what = re.sub(r"\s+", " ", match["what"] if match else "").strip()
    words = words_of(what)
    if match and match["third"] and words:
        words[0] = _plain_verb(words[0])
        what = f"{words[0]} {' '.join(what.split()[1:])}".strip()
    kind = " ".join(word for word in content_words(before) if not _GIVE.fullmatch(word))
    given = (match["name"] if match else None) or kind
    name = identifier(given or " ".join(words[:_MAX_NAME_WORDS]) or "helper_tool")
    return name, what or f"Do the work of {with_article(given or 'helper')} tool"


def _plain_verb(word: str) -> str:
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word.removesuffix("s")
