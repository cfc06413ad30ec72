"""Answers to questions about the code, read from its syntax tree."""

from __future__ import annotations

import ast
import re

from backend.local.rehearsal.scene import Scene
from backend.local.rehearsal.source import AgentDef
from backend.local.rehearsal.words import listed

_QUESTION = re.compile(
    r"^\W*(?:(?:please|and|so|ok|hi|hello)\W+)*(?:(?:can|could)\s+you\s+)?(?:which|what|how|who|whose|why|where|explain|"
    r"describe|list|show|tell|does|do|did|are\s+there|is\s+there|is|are)\b",
    re.IGNORECASE,
)
_EDIT = re.compile(
    r"\b(?:create|add|make|build|write|rename|remove|delete|drop|give|let|translate|change|switch|set|call|hand\s*off|"
    r"speak|answer|reply|respond|need|want|introduce|generate)\b",
    re.IGNORECASE,
)
_SHOWN = 200  # characters of the instructions


def is_question(request: str) -> bool:
    """Tell whether a request asks about the code instead of for a change.

    Args:
        request: What the user wrote.

    Returns:
        True for a question.
    """
    if _QUESTION.match(request):
        return True
    return request.rstrip().endswith("?") and _EDIT.search(request) is None


def answer_question(question: str, scene: Scene) -> str:
    """Answer a question about the code.

    Args:
        question: What the user wrote.
        scene: The code and the conversation.

    Returns:
        A text that names agents by their variables.
    """
    agents = scene.named(question)
    if not agents and re.search(r"\b(?:it|its|this\s+agent|that\s+agent)\b", question, re.IGNORECASE):
        agents = scene.resolve("it")
    if agents:
        return "\n".join(_about(agent, scene) for agent in agents)
    functions = _functions_named(question, scene)
    return "\n".join(functions) if functions else _overview(scene)


def _overview(scene: Scene) -> str:
    names = [agent.var for agent in scene.agents]
    if not names:
        return "There is no agent in the code yet."
    start = "There is one agent" if len(names) == 1 else f"There are {len(names)} agents"
    lines = "\n".join(f"- {_about(agent, scene)}" for agent in scene.agents)
    return f"{start}: {listed(names)}.\n{lines}"


def _about(agent: AgentDef, scene: Scene) -> str:
    text = f'{agent.var} is the agent "{agent.name}".'
    instructions = agent.keyword("instructions")
    if isinstance(instructions, ast.Constant) and isinstance(instructions.value, str):
        told = " ".join(instructions.value.split())
        text += f" It is told: {told if len(told) <= _SHOWN else told[:_SHOWN] + '...'}"
    for keyword, words in (("tools", "Its tools are"), ("handoffs", "It hands off to")):
        names = _elements(agent.keyword(keyword), scene)
        if keyword == "handoffs":
            names += _appended(agent, scene)
        text += f" {words} {listed(names)}." if names else ""
    return text


def _elements(value: ast.expr | None, scene: Scene) -> list[str]:
    if isinstance(value, ast.List):
        return [scene.module.segment(item) for item in value.elts]
    return [scene.module.segment(value)] if value is not None else []


def _appended(agent: AgentDef, scene: Scene) -> list[str]:
    found = re.findall(rf"^\s*{agent.var}\.handoffs\.append\((.+)\)", scene.code, re.MULTILINE)
    return [str(name) for name in found]


def _functions_named(question: str, scene: Scene) -> list[str]:
    asked = set(re.findall(r"\w+", question))
    return [
        f"{node.name} is a function. {ast.get_docstring(node) or 'It has no docstring.'}"
        for node in ast.walk(scene.module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in asked
    ]


def agents_of(code: str) -> dict[str, str]:
    """Read which agents a source has.

    Args:
        code: The source.

    Returns:
        The source of each by its variable; empty when the code cannot be parsed.
    """
    try:
        scene = Scene(code)
        return {agent.var: scene.module.segment(agent.call) for agent in scene.agents}
    except SyntaxError:
        return {}
