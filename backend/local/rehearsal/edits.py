"""Small changes of source text: an item in a call or list, a statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from backend.local.rehearsal.source import CannotEditError, Module

_INDENT = "    "


def replaced(code: str, edits: list[tuple[int, int, str]]) -> str:
    """Apply edits that do not overlap.

    Args:
        code: The source.
        edits: Start, end and new text of each.

    Returns:
        The new source.
    """
    for start, end, text in sorted(edits, reverse=True):
        code = code[:start] + text + code[end:]
    return code


def parses(code: str) -> bool:
    """Tell whether a text is Python.

    Args:
        code: The text.

    Returns:
        True when it can be parsed.
    """
    try:
        Module(code)
    except SyntaxError:
        return False
    return True


def insert_item(module: Module, holder: ast.Call | ast.List, item: str) -> str:
    """Add an argument to a call or an element to a list, whatever its layout.

    Args:
        module: The file.
        holder: The call or list.
        item: Source of the argument or element.

    Returns:
        The new source.

    Raises:
        CannotEditError: no way to write it gives valid code.
    """
    wanted = len(_items(holder)) + 1
    for candidate in _with_item(module, holder, item):
        if not parses(candidate):
            continue
        for node in ast.walk(ast.parse(candidate)):
            if not isinstance(node, type(holder)) or len(_items(node)) != wanted:
                continue
            if (node.lineno, node.col_offset) == (holder.lineno, holder.col_offset):
                return candidate
    raise CannotEditError("I could not find a place for that in the code.")


def _items(holder: ast.Call | ast.List) -> list[ast.expr | ast.keyword]:
    return [*holder.elts] if isinstance(holder, ast.List) else [*holder.args, *holder.keywords]


def _with_item(module: Module, holder: ast.Call | ast.List, item: str) -> Iterator[str]:
    code, (_, end) = module.code, module.span(holder)
    close = end - 1
    line_start = code.rfind("\n", 0, close) + 1
    indent = code[line_start:close]
    if not indent.strip() and holder.lineno != holder.end_lineno:
        inner = f"{indent}{_INDENT}{item}"
        yield replaced(code, [(line_start, line_start, f"{inner},\n")])
        last = max((module.span(node)[1] for node in _items(holder)), default=close)
        yield replaced(code, [(last, last, f",\n{inner}")])
    yield replaced(code, [(close, close, f", {item}")])
    yield replaced(code, [(close, close, f" {item}" if code[close - 1] == "," else item)])


def without_elements(code: str, var: str) -> str:
    """Take a variable out of every list of the file: handoffs, tools and lists of agents.

    Args:
        code: The source.
        var: The variable.

    Returns:
        The new source.
    """
    while True:
        module = Module(code)
        lists = [node for node in ast.walk(module.tree) if isinstance(node, ast.List)]
        found = next((node for node in lists if any(mentions_name(item, var) for item in node.elts)), None)
        if found is None:
            return code
        code = without_element(module, found, var)


def without_element(module: Module, holder: ast.List, var: str) -> str:
    """Take the elements that use a variable out of one list.

    Args:
        module: The file.
        holder: The list.
        var: The variable.

    Returns:
        The new source; the list is written on one line.
    """
    kept = [module.segment(item) for item in holder.elts if not mentions_name(item, var)]
    return replaced(module.code, [(*module.span(holder), f"[{', '.join(kept)}]")])


def mentions_name(node: ast.AST, var: str) -> bool:
    """Tell whether code uses a variable.

    Args:
        node: Any node.
        var: The variable.

    Returns:
        True when it or a part of it is that name.
    """
    return any(isinstance(part, ast.Name) and part.id == var for part in ast.walk(node))


def without_statement(module: Module, statement: ast.stmt) -> str:
    """Delete a statement. Of the empty lines around it, the longer run stays.

    Args:
        module: The file.
        statement: The statement.

    Returns:
        The new source.

    Raises:
        CannotEditError: another statement is on the same line.
    """
    first, last = module.span(statement)
    start, end = module.code.rfind("\n", 0, first) + 1, module.line_end(statement)
    rest = module.code[last:end].strip()
    if module.code[start:first].strip() or (rest and not rest.startswith("#")):
        raise CannotEditError("The line I would have to delete holds more than that.")
    head, tail = module.code[:start], module.code[end:]
    before, after = head.rstrip("\n"), tail.lstrip("\n")
    if not before or not after:
        return before + "\n" * (len(head) > len(before)) + after
    return before + "\n" * max(len(head) - len(before), len(tail) - len(after)) + after


def insert_after(module: Module, statement: ast.stmt, line: str) -> str:
    """Add a one-line statement after another, in the same block.

    Args:
        module: The file.
        statement: The statement it follows.
        line: The new statement.

    Returns:
        The new source.
    """
    at = module.line_end(statement)
    return replaced(module.code, [(at, at, f"\n\n{' ' * statement.col_offset}{line}")])
