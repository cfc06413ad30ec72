"""The rules: each looks at one part of a request and makes the change it asks for, or passes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from backend.local.rehearsal.changes import set_language
from backend.local.rehearsal.create import NewAgent, new_agents_in
from backend.local.rehearsal.links import HANDOFF, change_handoffs, give_tool
from backend.local.rehearsal.outcome import Outcome, unknown_agent
from backend.local.rehearsal.roster import add_agent, remove_agent, rename_agent
from backend.local.rehearsal.scene import Scene
from backend.local.rehearsal.source import AgentDef
from backend.local.rehearsal.words import (
    free_name,
    identifier,
    language_in,
    listed,
    with_article,
    without_language,
    words_of,
)

_REMOVE = re.compile(r"\b(?:remove|delete|drop|get\s+rid\s+of)\s+(.+)", re.IGNORECASE | re.DOTALL)
_RENAME = (
    r"\brename\s+(?P<old>.+?)\s+(?:to|as|into)\s+(?P<new>.+)",
    r"\bchange\s+(?:the\s+)?name\s+of\s+(?P<old>.+?)\s+(?:to|into)\s+(?P<new>.+)",
    r"\bchange\s+(?P<old>.+?)(?:'s)?\s+name\s+(?:to|into)\s+(?P<new>.+)",
    r"^\W*(?:please\s+)?call\s+(?P<old>it|the\s+[\w -]+?\s+agent|this\s+agent)\s+(?P<new>.+)",
)
_SPEAKS = re.compile(
    r"\b(?:make|makes|speaks?|speaking|answer\w*|repl(?:y|ies)|responds?|talks?|writes?|translates?|switch|change|"
    r"use|set|language|be|in)\b",
    re.IGNORECASE,
)
_EVERYONE = re.compile(r"\b(?:all|every|each|both)\b[\w\s]*\bagents?\b|\b(?:them|everyone|everybody)\b", re.IGNORECASE)
_THE_AGENT = re.compile(r"\b(?:the|my|our)\s+((?:[\w-]+\s+){1,3}?)agent\b", re.IGNORECASE)


def create(clause: str, scene: Scene) -> Outcome | None:
    """Create the agents a part of a request asks for, with the language, handoffs and tools it names."""
    wanted = new_agents_in(clause)
    if not wanted:
        return None
    made: list[str] = []
    notes: list[str] = []
    for new in wanted:
        var = identifier(new.name, "_agent")
        known = next((agent for agent in scene.agents if agent.var == var or agent.name == new.name), None)
        if known is not None and not new.another:
            if HANDOFF.search(new.tail):
                return None
            notes.append(f"There is already an agent {known.var}.")
            continue
        outcome = _create_one(new, var, scene)
        made.append(outcome.touched[0])
        notes += [outcome.note] if outcome.note else []
        scene = replace(scene, code=outcome.code, touched=outcome.touched[0])
    created = [f"I created {listed(made)}."] if made else []
    return Outcome(scene.code, " ".join(created + notes), tuple(made))


def _create_one(new: NewAgent, wanted: str, scene: Scene) -> Outcome:
    var = free_name(wanted, scene.module.names)
    name = new.name + var.removeprefix(wanted).replace("_", " ")
    scene = replace(scene, code=add_agent(scene.code, var, name, new.instructions), touched=var)
    notes = []
    spoken = language_in(new.name)
    if spoken and set(words_of(new.name)) <= {spoken.lower(), "speaking", "agent"}:
        scene = replace(scene, code=set_language(scene.code, var, spoken))
    rules: tuple[Rule, ...] = (give_tool, change_handoffs, speak)
    for rule in rules if new.tail else ():
        outcome = rule(new.tail, scene)
        if outcome is not None and outcome.code != scene.code:
            scene = replace(scene, code=outcome.code)
            notes.append(outcome.note)
    return Outcome(scene.code, " ".join(notes), (var,))


def remove(clause: str, scene: Scene) -> Outcome | None:
    """Remove the agents a part of a request names."""
    match = _REMOVE.search(clause)
    if match is None or HANDOFF.search(clause) or re.search(r"\btools?\b", clause, re.IGNORECASE):
        return None
    phrase = match.group(1).strip(" .!")
    agents = scene.resolve(phrase)
    if not agents:
        return unknown_agent(phrase, scene)
    code, notes = scene.code, []
    for agent in agents:
        code, stand_in = remove_agent(code, agent.var)
        note = f"I removed {agent.var}."
        notes.append(f"{note} The code now runs {stand_in} in its place." if stand_in else note)
    return Outcome(code, " ".join(notes))


def rename(clause: str, scene: Scene) -> Outcome | None:
    """Rename an agent."""
    found = (re.search(pattern, clause, re.IGNORECASE | re.DOTALL) for pattern in _RENAME)
    match = next(filter(None, found), None)
    if match is None:
        return None
    agents = scene.resolve(match["old"].strip(" \"'"))
    if not agents:
        return unknown_agent(match["old"], scene)
    agent = agents[0]
    name = re.sub(r"^(?:the|an?)\s+", "", match["new"].strip(" .!?,;\"'`"), flags=re.IGNORECASE)
    if not words_of(name):
        return Outcome(scene.code, f"Tell me the new name of {agent.var}.")
    var = identifier(name, "_agent" if agent.var.endswith("agent") else "")
    shown = name.replace("_", " ")
    code = rename_agent(scene.code, agent.var, var, shown[:1].upper() + shown[1:])
    if code == scene.code:
        return Outcome(code, f"{var} has that name already.")
    return Outcome(code, f"I renamed {agent.var} to {var}.", (var,))


def speak(clause: str, scene: Scene) -> Outcome | None:
    """Make an agent answer in a language."""
    language = language_in(clause)
    if language is None or not _SPEAKS.search(clause):
        return None
    rest = without_language(clause, language)
    agents = scene.agents if _EVERYONE.search(rest) else _speakers(rest, scene)
    if not agents:
        named = _THE_AGENT.search(rest)
        return unknown_agent(named.group(1) if named else "", scene)
    code = scene.code
    for agent in agents:
        code = set_language(code, agent.var, language)
    names = [agent.var for agent in agents]
    verb = "answers" if len(names) == 1 else "answer"
    if code == scene.code:
        return Outcome(code, f"{listed(names)} already {verb} in {language}.")
    return Outcome(code, f"{listed(names)} now always {verb} in {language}.", tuple(names))


def _speakers(text: str, scene: Scene) -> list[AgentDef]:
    named = scene.named(text)
    if named:
        return named
    other = _THE_AGENT.search(text)
    if other is not None:
        return scene.resolve(other.group(1))
    agent = scene.it()
    return [agent] if agent is not None else []


Rule = Callable[[str, Scene], Outcome | None]
RULES: tuple[Rule, ...] = (create, rename, remove, give_tool, change_handoffs, speak)


def describe_rules() -> str:
    """Tell what can be asked for.

    Returns:
        A sentence and a list of examples.
    """
    examples = (
        "Create a billing agent",
        "Make it Spanish",
        "Rename it to invoices agent",
        "Let triage hand off to billing",
        f"Give it {with_article('tool')} to look up orders",
        "Remove the billing agent",
        "Which agents are there?",
    )
    lines = "\n".join(f"- {example}" for example in examples)
    return f"I am a rehearsal model: I follow fixed rules and need no API key. You can ask me for this:\n{lines}"
