"""New function tools, and the imports they need. Each function takes source and gives new source."""

from __future__ import annotations

import ast
import re

from backend.local.rehearsal.edits import insert_after, insert_item, replaced
from backend.local.rehearsal.source import Module
from backend.local.rehearsal.words import free_name


def add_tool(code: str, var: str, wanted_name: str, purpose: str) -> tuple[str, str]:
    """Give an agent a new function tool.

    Args:
        code: The source.
        var: The agent's variable.
        wanted_name: Name of the function, if it is free.
        purpose: What it does, in words.

    Returns:
        The new source and the function's name.

    Raises:
        CannotEditError: the agent's call cannot be changed.
    """
    module = Module(code)
    agent = module.agent(var)
    name = free_name(wanted_name, module.names)
    given = agent.keyword("tools")
    if given is None:
        code = insert_item(module, agent.call, f"tools=[{name}]")
    elif isinstance(given, ast.List):
        code = insert_item(module, given, name)
    else:
        code = insert_after(module, agent.assign, f"{var}.tools.append({name})")
    at = _line_start(module.code, module.span(agent.top)[0])
    while at and module.code.startswith("#", _line_start(module.code, at - 1)):
        at = _line_start(module.code, at - 1)  # a comment right above the agent stays with it
    head = module.code[:at]
    gap = "\n" * (2 - (len(head) - len(head.rstrip("\n")) - 1)) if head.strip() else ""
    decorator = module.local_name("function_tool") or "function_tool"
    code = replaced(code, [(at, at, gap + _tool_source(decorator, name, purpose))])
    return with_import(code, "function_tool"), name


def with_import(code: str, name: str) -> str:
    """Import something of the Agents SDK unless it is imported already.

    Args:
        code: The source.
        name: Its name in the SDK.

    Returns:
        The new source.
    """
    module = Module(code)
    if module.local_name(name) is not None:
        return code
    after: ast.stmt | None = None
    for statement in module.tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "agents":
            at = module.span(statement.names[-1])[1]
            return replaced(code, [(at, at, f", {name}")])
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if docstring or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
            after = statement
    line = f"from agents import {name}"
    if after is None:
        return f"{line}\n{code}" if code.startswith(("import ", "from ")) else f"{line}\n\n{code}"
    at = module.line_end(after)
    return replaced(code, [(at, at, f"\n\n{line}")])


def _line_start(code: str, index: int) -> int:
    return code.rfind("\n", 0, index) + 1


def _tool_source(decorator: str, name: str, purpose: str) -> str:
    sentence = re.sub(r"[\"\\\s]+", " ", purpose).strip().rstrip(".") or "Do its work"
    sentence = sentence[:1].upper() + sentence[1:]
    return (
        f"@{decorator}\n"
        f"def {name}(query: str) -> str:\n"
        f'    """{sentence}.\n\n'
        "    Args:\n"
        "        query: What to look for.\n"
        '    """\n'
        f'    return f"No result for {{query!r}} yet."\n\n\n'
    )
