"""Changes of a source: each takes source and gives new source, or raises CannotEditError."""

import ast
import re
from itertools import takewhile

from backend.local.demo_model.names import quoted
from backend.local.demo_model.source import CannotEditError, Edit, WorkflowSource


def add_agent(code: str, var: str, name: str, instructions: str) -> str:
    """Add an agent after the last one, or at the end of the file."""
    source, made_by = _with_import(code, "Agent")
    text = f"{var} = {made_by}(\n    name={quoted(name)},\n    instructions={quoted(instructions)},\n)"
    if last := [agent.statement for agent in source.agents if agent.statement in source.tree.body][-1:]:
        at = source.line_end(last[0])
        return source.edited([(at, at, f"\n\n{text}")])
    return f"{source.code.rstrip()}\n\n{text}\n"


def add_instruction(code: str, var: str, sentence: str, replaced: re.Pattern[str] | None = None) -> str:
    """Add a sentence to an agent's instructions, in the place of one that the pattern finds."""
    source = WorkflowSource(code)
    agent = source.agent(var)
    value = agent.keyword("instructions")
    if value is None:
        return source.edited([_insertion(source, agent.call, f"instructions={quoted(sentence)}")])
    segment = source.segment(value)
    if sentence in segment:
        return code
    if not isinstance(value, ast.Constant | ast.JoinedStr):
        raise CannotEditError(f"The instructions of {var} are computed by the code: I leave them as they are.")
    if replaced is not None and replaced.search(segment):
        changed = replaced.sub(sentence, segment)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and "\n" not in value.value:
        changed = quoted(f"{value.value.rstrip()} {sentence}")
    else:
        changed = f"{segment} {quoted(f' {sentence}')}"
    return source.edited([(*source.span(value), changed)])


def add_handoff(code: str, giver_var: str, taker_var: str) -> str:
    """Let one agent hand off to another: in its call where the other is defined before it, or else below both."""
    source = WorkflowSource(code)
    giver, taker = source.agent(giver_var), source.agent(taker_var)
    if giver.statement not in source.tree.body or taker.statement not in source.tree.body:
        raise CannotEditError(f"{giver_var} or {taker_var} is made within a function: I leave it as it is.")
    value = giver.keyword("handoffs")
    if taker.statement.lineno < giver.statement.lineno and (value is None or isinstance(value, ast.List)):
        given = (giver.call, f"handoffs=[{taker_var}]") if value is None else (value, taker_var)
        return source.edited([_insertion(source, *given)])
    at = source.line_end(max(giver.statement, taker.statement, key=lambda one: one.lineno))
    return source.edited([(at, at, f"\n\n{giver_var}.handoffs.append({taker_var})")])


def rename_agent(code: str, var: str, new_var: str, new_name: str) -> str:
    """Give an agent another variable, wherever it is used, and another name."""
    source = WorkflowSource(code)
    if new_var != var and new_var in source.names:
        raise CannotEditError(f"There is already something called {new_var} in the code.")
    edits = _renamed(source, var, new_var, [])
    agent = source.agent(var)
    value = agent.keyword("name") or next(iter(agent.call.args), None)
    if isinstance(value, ast.Constant):
        edits.append((*source.span(value), quoted(new_name)))
    return source.edited(edits)


def remove_agent(code: str, var: str) -> str:
    """Remove an agent and its handoffs; where the code still runs it, the first of the others takes its place."""
    source = WorkflowSource(code)
    edits = [_without_statement(source, source.agent(var).statement)]
    for node in ast.walk(source.tree):
        match node:
            case ast.List(elts=items) if any(_uses(item, var) for item in items):
                kept = [source.segment(item) for item in items if not _uses(item, var)]
                edits.append((*source.span(node), f"[{', '.join(kept)}]"))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Attribute(attr="handoffs")))) if _uses(node, var):
                edits.append(_without_statement(source, node))
    edits = [one for one in edits if not any(start <= one[0] < one[1] < end for start, end, _ in edits)]
    other = next((agent.var for agent in source.agents if agent.var != var), None)
    uses = _renamed(source, var, other or "", edits)
    if uses and other is None:
        raise CannotEditError(f"The code runs {var}, and there is no other agent that could take its place.")
    return source.edited(edits + uses)


def add_tool(code: str, var: str, name: str, purpose: str) -> str:
    """Give an agent a new function tool."""
    source, decorator = _with_import(code, "function_tool")
    agent = source.agent(var)
    value = agent.keyword("tools")
    imports = [node for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    before = [node for node in imports if node.lineno < agent.statement.lineno]
    if not before or (value is not None and not isinstance(value, ast.List)):
        raise CannotEditError(f"I see no place for a tool of {var} in the code.")
    at = source.line_end(before[-1])
    function = (
        f'@{decorator}\ndef {name}(query: str) -> str:\n    """{purpose}.\n\n'
        f'    Args:\n        query: What to look for.\n    """\n    return f"No result for {{query!r}} yet."'
    )
    given = (agent.call, f"tools=[{name}]") if value is None else (value, name)
    return source.edited([(at, at, f"\n\n\n{function}"), _insertion(source, *given)])


def _with_import(code: str, name: str) -> tuple[WorkflowSource, str]:
    """The source with a name of the Agents SDK, and how it writes it."""
    source = WorkflowSource(code)
    if known := source.sdk_name(name):
        return source, known
    line = f"from agents import {name}"
    head = list(takewhile(lambda node: isinstance(node, ast.Expr | ast.Import | ast.ImportFrom), source.tree.body))
    for node in head:
        if isinstance(node, ast.ImportFrom) and node.module == "agents":
            at = source.span(node.names[-1])[1]
            return WorkflowSource(source.edited([(at, at, f", {name}")])), name
    at = source.line_end(head[-1]) if head else source.offset(1, 0)
    return WorkflowSource(source.edited([(at, at, f"\n\n{line}" if head else f"{line}\n\n")])), name


def _insertion(source: WorkflowSource, holder: ast.Call | ast.List, item: str) -> Edit:
    """Adds an argument to a call or an element to a list, in the layout of the last one."""
    items: list[ast.expr | ast.keyword] = []
    items += holder.elts if isinstance(holder, ast.List) else [*holder.args, *holder.keywords]
    if not items:
        end = source.span(holder)[1] - 1
        return end, end, item
    last = max(items, key=source.span)
    start, end = source.span(last)
    if last.lineno == holder.lineno:
        return end, end, f", {item}"
    line = source.code[source.code.rfind("\n", 0, start) + 1 : start]
    return end, end, f",\n{line[: len(line) - len(line.lstrip())]}{item}"


def _without_statement(source: WorkflowSource, statement: ast.stmt) -> Edit:
    """Removes a statement and the empty lines before it."""
    start, end = source.offset(statement.lineno, 0), source.line_end(statement)
    first, last = source.span(statement)
    rest = source.code[last:end].strip()
    if source.code[start:first].strip() or (rest and not rest.startswith("#")):
        raise CannotEditError("The line that I would have to remove holds more than that.")
    return len(source.code[:start].rstrip("\n")), end, ""


def _renamed(source: WorkflowSource, var: str, new_var: str, removed: list[Edit]) -> list[Edit]:
    """Changes each use of a variable outside what is removed."""
    spans = [source.span(node) for node in ast.walk(source.tree) if isinstance(node, ast.Name) and node.id == var]
    if any(source.code[start : start + len(var)] != var for start, _ in spans):
        raise CannotEditError(f"I could not change each use of {var}.")  # CPython 3.11 misplaces those in f-strings
    kept = [start for start, _ in spans if not any(first <= start < end for first, end, _ in removed)]
    return [(start, start + len(var), new_var) for start in kept]


def _uses(node: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
