"""Changes of one agent: its instructions and handoffs. Each function takes source and gives new source."""

from __future__ import annotations

import ast
import re

from backend.local.rehearsal.edits import (
    insert_after,
    insert_item,
    mentions_name,
    replaced,
    without_element,
    without_statement,
)
from backend.local.rehearsal.source import AgentDef, CannotEditError, Module
from backend.local.rehearsal.words import quoted

_LANGUAGE_RULE = re.compile(r"Always answer in [^.\n\"']{1,40}\.")


def set_language(code: str, var: str, language: str) -> str:
    """Make an agent answer in a language.

    Args:
        code: The source.
        var: The agent's variable.
        language: English name of the language.

    Returns:
        The new source; the same when the agent has that language already.

    Raises:
        CannotEditError: its instructions cannot be changed.
    """
    module = Module(code)
    sentence = f"Always answer in {language}."
    value = module.agent(var).keyword("instructions")
    if value is not None:
        start, end = module.span(value)
        segment, changes = _LANGUAGE_RULE.subn(sentence, code[start:end])
        if changes:
            return replaced(code, [(start, end, segment)])
    return add_sentence(code, var, sentence)


def add_sentence(code: str, var: str, sentence: str) -> str:
    """Add a sentence to an agent's instructions.

    Args:
        code: The source.
        var: The agent's variable.
        sentence: The sentence, without quotes and backslashes.

    Returns:
        The new source.

    Raises:
        CannotEditError: its instructions cannot be changed.
    """
    module = Module(code)
    agent = module.agent(var)
    value = agent.keyword("instructions")
    if value is None:
        return insert_item(module, agent.call, f"instructions={quoted(sentence)}")
    return _longer_string(module, value, sentence)


def has_handoff(code: str, source: str, target: str) -> bool:
    """Tell whether one agent hands off to another.

    Args:
        code: The source.
        source: Variable of the agent that hands off.
        target: Variable of the agent that takes over.

    Returns:
        True when the target is in its `handoffs`.
    """
    module = Module(code)
    given = module.agent(source).keyword("handoffs")
    return (given is not None and mentions_name(given, target)) or bool(_appended(module, source, target))


def add_handoff(code: str, source: str, target: str) -> str:
    """Let one agent hand off to another.

    The keyword needs the target to be defined first. When it is not, a statement after both agents
    adds it, which also works when two agents hand off to each other.

    Args:
        code: The source.
        source: Variable of the agent that hands off.
        target: Variable of the agent that takes over.

    Returns:
        The new source.

    Raises:
        CannotEditError: the agents cannot see each other.
    """
    module = Module(code)
    first, second = module.agent(source), module.agent(target)
    if first.top is not second.top and not (_is_global(first) and _is_global(second)):
        raise CannotEditError(f"{source} and {target} are not defined in the same place.")
    given = first.keyword("handoffs")
    if second.assign.lineno < first.assign.lineno and (given is None or isinstance(given, ast.List)):
        if given is None:
            return insert_item(module, first.call, f"handoffs=[{target}]")
        return insert_item(module, given, target)
    later = max(first.assign, second.assign, key=lambda statement: statement.lineno)
    return insert_after(module, later, f"{source}.handoffs.append({target})")


def remove_handoff(code: str, source: str, target: str) -> str:
    """Undo `add_handoff`.

    Args:
        code: The source.
        source: Variable of the agent that hands off.
        target: Variable of the agent that took over.

    Returns:
        The new source; the same when there was no handoff.
    """
    module = Module(code)
    given = module.agent(source).keyword("handoffs")
    if isinstance(given, ast.List) and mentions_name(given, target):
        module = Module(without_element(module, given, target))
    for statement in _appended(module, source, target)[:1]:
        return remove_handoff(without_statement(module, statement), source, target)
    return module.code


def _is_global(agent: AgentDef) -> bool:
    return agent.assign is agent.top


def _appended(module: Module, source: str, target: str) -> list[ast.Expr]:
    found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Expr)]
    wanted = f"{source}.handoffs."
    return [node for node in found if ast.unparse(node).startswith(wanted) and mentions_name(node, target)]


def _longer_string(module: Module, value: ast.expr, sentence: str) -> str:
    """Add a sentence to an expression that gives a text.

    Args:
        module: The file.
        value: A string literal, or anything else that is a string when it runs.
        sentence: The sentence, without quotes and backslashes.

    Returns:
        The new source.

    Raises:
        CannotEditError: the value cannot be a plain text.
    """
    start, end = module.span(value)
    segment = module.code[start:end]
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        text = value.value
        gap = ". " if text[-1:].isalnum() else " "
        added = sentence if not text or text[-1].isspace() else f"{gap}{sentence}"
        for quote in ('"""', "'''", '"', "'"):
            longer = f"{segment.removesuffix(quote)}{added}{quote}"
            if segment.endswith(quote) and _is_literal(longer, text + added):
                return replaced(module.code, [(start, end, longer)])
    if isinstance(value, ast.Lambda | ast.Constant) or _is_a_function(module, value):
        raise CannotEditError("Its instructions are not a plain text, so I left them alone.")
    return replaced(module.code, [(start, end, f'({segment}) + " {sentence}"')])


def _is_literal(source: str, value: str) -> bool:
    try:
        return bool(ast.literal_eval(f"({source})") == value)
    except (SyntaxError, ValueError):
        return False


def _is_a_function(module: Module, value: ast.expr) -> bool:
    if not isinstance(value, ast.Name):
        return False
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return any(function.name == value.id for function in functions)
