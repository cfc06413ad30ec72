"""Finds the variables that functions of a source may change when they are called."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from backend.app.domain.projects.workflow.lists import LIST_METHODS
from backend.app.domain.projects.workflow.reflection import REFLECTIVE
from backend.app.domain.projects.workflow.syntax import COPIES, READERS, parameters_of, path_of
from backend.app.domain.projects.workflow.values import PARTS, AgentDefinition, DictValue, ListValue, Value, options_of

_CHANGING = LIST_METHODS | REFLECTIVE | frozenset(PARTS)
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class SharedNames:
    """Variables of an outer scope that functions use.

    Attributes:
        changed: those whose lists a function, or code that it passes them to, may change.
        rebound: those that a function assigns.
    """

    changed: set[str] = field(default_factory=set)
    rebound: set[str] = field(default_factory=set)


def shared_names(tree: ast.Module) -> SharedNames:
    """Return the variables that the functions of a source may change."""
    shared = SharedNames()
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            _follow(shared, node)
    return shared


def _follow(shared: SharedNames, function: _FUNCTIONS) -> None:
    loaded: dict[str, None] = {}
    bound, outer = set(parameters_of(function.args)), set()
    nodes = list(_own_nodes(function))
    harmless = {id(read) for node in nodes for read in _only_read(node)}
    for node in nodes:
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            is_changing = isinstance(node, ast.Attribute) and node.attr in _CHANGING
            if is_changing or not isinstance(node.ctx, ast.Load):
                loaded.update(dict.fromkeys(path_of(node)[:1]))
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.Name) and id(node) not in harmless:
            loaded[node.id] = None
    shared.rebound |= bound & outer
    shared.changed |= loaded.keys() - (bound - outer)


def _own_nodes(function: _FUNCTIONS) -> Iterator[ast.AST]:
    """The nodes of a function, without those of nested functions."""
    body = function.body
    waiting: list[ast.AST] = [body] if isinstance(body, ast.expr) else list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _FUNCTIONS):
            waiting += ast.iter_child_nodes(node)


def _only_read(node: ast.AST) -> list[ast.expr]:
    """The direct subexpressions that a node only reads."""
    match node:
        case ast.Attribute() | ast.Subscript() | ast.Starred() | ast.FormattedValue():
            return [node.value]
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            return [node.iter]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.If() | ast.While() | ast.IfExp():
            return [node.test]
        case ast.Call(func=ast.Name(id=name)) if name in READERS | COPIES:
            return [node.func, *node.args]
        case ast.Call():
            return [node.func, *(keyword.value for keyword in node.keywords if keyword.arg in PARTS)]
    return []


def open_to_functions(value: Value) -> None:
    """Note that a function may change the lists that are reachable from the value."""
    waiting = [value]
    while waiting:
        for one in options_of(waiting.pop()):
            if isinstance(one, AgentDefinition):
                waiting += one.parts.values()
            elif isinstance(one, ListValue | DictValue) and not one.is_open:
                one.is_open = True
                waiting += one.items.values() if isinstance(one, DictValue) else one.items
