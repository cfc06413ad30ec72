"""Which agents the file has: adding, renaming and removing one. Each takes source and gives new source."""

from __future__ import annotations

import ast

from backend.local.rehearsal.edits import (
    mentions_name,
    replaced,
    without_elements,
    without_statement,
)
from backend.local.rehearsal.source import CannotEditError, Module
from backend.local.rehearsal.tools import with_import
from backend.local.rehearsal.words import quoted


def add_agent(code: str, var: str, name: str, instructions: str) -> str:
    """Add an agent after the last one, before the part that only a script runs.

    Args:
        code: The source.
        var: Its variable, not in use yet.
        name: Its name.
        instructions: Its instructions.

    Returns:
        The new source.
    """
    module = Module(with_import(code, "Agent"))
    call = module.local_name("Agent") or "Agent"
    source = f"{var} = {call}(\n    name={quoted(name)},\n    instructions={quoted(instructions)},\n)"
    entry = next((node for node in module.tree.body if _is_entry_point(node)), None)
    held = [agent.top for agent in module.agents if agent.assign is agent.top]
    held = [top for top in held if entry is None or top.lineno < entry.lineno]
    if held:
        at = module.line_end(held[-1])
        return replaced(module.code, [(at, at, f"\n\n{source}")])
    if entry is not None:
        at = module.offset(entry.lineno, 0)
        return replaced(module.code, [(at, at, f"{source}\n\n\n")])
    return f"{module.code.rstrip()}\n\n{source}\n"


def rename_agent(code: str, var: str, new_var: str, new_name: str) -> str:
    """Rename an agent: its variable, every use of it, and its name.

    Args:
        code: The source.
        var: Its variable.
        new_var: The new variable.
        new_name: The new name.

    Returns:
        The new source.

    Raises:
        CannotEditError: the new variable is in use, or a use of the old one cannot be changed.
    """
    module = Module(code)
    agent = module.agent(var)
    if new_var != var and new_var in module.names:
        raise CannotEditError(f"There is already something called {new_var} in the code.")
    edits = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id == var:
            start = module.offset(node.lineno, node.col_offset)
            edits.append((start, start + len(var), new_var))
    if any(code[start:end] != var for start, end, _ in edits):
        raise CannotEditError(f"I could not change every use of {var}.")
    value = agent.keyword("name") or next(iter(agent.call.args), None)
    if isinstance(value, ast.Constant):
        edits.append((*module.span(value), quoted(new_name)))
    return replaced(code, edits)


def remove_agent(code: str, var: str) -> tuple[str, str | None]:
    """Remove an agent and its place in the handoffs, tools and lists of others.

    Args:
        code: The source.
        var: Its variable.

    Returns:
        The new source, and the agent that took its place where the code still used it, if any.

    Raises:
        CannotEditError: the code needs the agent and there is no other.
    """
    module = Module(code)
    code = without_elements(without_statement(module, module.agent(var).assign), var)
    while True:
        module = Module(code)
        calls = [node for node in ast.walk(module.tree) if _changes_handoffs(node)]
        found = next((node for node in calls if mentions_name(node, var)), None)
        if not isinstance(found, ast.stmt):
            break
        code = without_statement(module, found)
    return _with_stand_in(module, var)


def _with_stand_in(module: Module, var: str) -> tuple[str, str | None]:
    uses = [node for node in ast.walk(module.tree) if isinstance(node, ast.Name) and node.id == var]
    if not uses:
        return module.code, None
    if not module.agents:
        raise CannotEditError(f"The code still runs {var}, and there is no other agent to run instead.")
    stand_in = module.agents[0].var
    starts = [module.offset(node.lineno, node.col_offset) for node in uses]
    if any(not module.code.startswith(var, start) for start in starts):
        raise CannotEditError(f"I could not change every use of {var}.")
    return replaced(module.code, [(start, start + len(var), stand_in) for start in starts]), stand_in


def _is_entry_point(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and mentions_name(node.test, "__name__")


def _changes_handoffs(node: ast.AST) -> bool:
    """Tell whether a statement is like `a.handoffs.append(b)`: nothing but the handoffs depends on it."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    function = node.value.func
    return isinstance(function, ast.Attribute) and ".handoffs." in f".{ast.unparse(function)}."
