"""What the calls of a source return: agents, handoffs, copies of lists. Nothing is called."""

import ast
from typing import TYPE_CHECKING

from backend.app.domain.workflow_lists import LIST_METHODS, take_list_call
from backend.app.domain.workflow_syntax import called, path_of
from backend.app.domain.workflow_values import (
    PARTS,
    UNKNOWN,
    DictValue,
    Draft,
    ListValue,
    Named,
    Value,
    as_list,
    objects_of,
)

if TYPE_CHECKING:
    from backend.app.domain.workflow_expressions import Evaluator

_COPIES = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed"})
# What these are given stays as it is.
_READERS = frozenset({"all", "any", "enumerate", "isinstance", "iter", "len", "next", "print", "repr", "str", "zip"})
_WRAPPED_KEYWORDS = frozenset({"agent", "func"})


def evaluate_call(evaluator: "Evaluator", call: ast.Call, depth: int) -> Value:
    """What a call returns, as far as that is known: an agent, what it wraps, a copy of a list, or a name."""
    if take_list_call(evaluator, call, depth):
        return UNKNOWN
    if _is_agent(evaluator, call):
        return _agent(evaluator, call, depth)
    function = called(call)
    path = path_of(function)
    if path and isinstance(alias := evaluator.scope.find(path[0]), Named) and not alias.is_made:
        path = [*alias.name.split("."), *path[1:]]
    if path and evaluator.sdk.is_wrapper(path):
        return _wrapped(evaluator, call, depth)
    if isinstance(function, ast.Attribute) and function is call.func and function.attr not in LIST_METHODS:
        owner = evaluator.evaluate(function.value, depth + 1)
        if function.attr == "as_tool":
            return _hidden_where_nameless(owner)
        if isinstance(owner, ListValue) and function.attr == "copy":
            return ListValue(evaluator.guard, list(owner.items), owner.known)
        if isinstance(owner, DictValue) and function.attr == "values":
            return ListValue(evaluator.guard, list(owner.items.values()), owner.known)
    return _other_call(evaluator, call, path, depth)


def _other_call(evaluator: "Evaluator", call: ast.Call, path: list[str], depth: int) -> Value:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    name = path[0] if len(path) == 1 and evaluator.scope.find(path[0]) is None else ""
    if name in _COPIES and len(call.args) <= 1:
        copied = evaluator.list_of([ast.Starred(argument) for argument in call.args], depth)
        copied.guard = evaluator.guard
        return copied
    values = [evaluator.evaluate(argument, depth + 1) for argument in given]
    for value in (option for one in values for option in objects_of(one)):
        if isinstance(value, ListValue) and name not in _READERS:
            value.known = False  # code that is given a list may change it
        elif isinstance(value, DictValue) and name not in _READERS:
            value.items, value.known = {}, False
        elif isinstance(value, Draft) and name == "setattr":
            value.parts.update({part: ListValue(evaluator.guard, known=False) for part in PARTS})
    if len(path) == 1 and path[0] in evaluator.makers:
        parts = {part: ListValue(evaluator.guard, known=False) for part in PARTS}
        return Draft(parts, evaluator.function, evaluator.guard)
    if not path or _is_hidden(evaluator, path[0]):
        return UNKNOWN
    return Named(evaluator.sdk.name_of(path), is_made=True)


def _is_hidden(evaluator: "Evaluator", name: str) -> bool:
    """Whether the name is a variable of which nothing is known: a parameter, say."""
    return isinstance(evaluator.scope.find(name), type(UNKNOWN))


def _wrapped(evaluator: "Evaluator", call: ast.Call, depth: int) -> Value:
    given = [keyword.value for keyword in call.keywords if keyword.arg in _WRAPPED_KEYWORDS]
    wrapped = next(iter([*call.args, *given]), None)
    return UNKNOWN if wrapped is None else _hidden_where_nameless(evaluator.evaluate(wrapped, depth + 1))


def _is_agent(evaluator: "Evaluator", call: ast.Call) -> bool:
    origin: ast.expr = call
    while isinstance(origin, ast.Call) and isinstance(origin.func, ast.Attribute) and origin.func.attr == "clone":
        origin = origin.func.value
    if isinstance(origin, ast.Call):
        return evaluator.sdk.is_agent_class(origin.func)
    return origin is not call and isinstance(evaluator.evaluate(origin, 1), Draft)


def _agent(evaluator: "Evaluator", call: ast.Call, depth: int) -> Value:
    """An agent that is made here: `Agent(...)`, or a clone, which shares the lists that it is not given."""
    calls: list[ast.Call] = []
    origin: ast.expr = call
    while isinstance(origin, ast.Call):
        calls.append(origin)
        if not isinstance(origin.func, ast.Attribute) or origin.func.attr != "clone":
            break
        origin = origin.func.value
    original = None if isinstance(origin, ast.Call) else evaluator.evaluate(origin, depth + 1)
    parts = dict(original.parts) if isinstance(original, Draft) else {}
    for one in reversed(calls):
        given = {keyword.arg: keyword.value for keyword in one.keywords}
        for part in PARTS:
            if part in given:
                parts[part] = as_list(evaluator.evaluate(given[part], depth + 1), evaluator.guard)
            elif None in given or len(one.args) > 1:  # **options; by position few would know which is which
                parts[part] = ListValue(evaluator.guard, known=False)
    return Draft(
        {part: parts.get(part) or ListValue(evaluator.guard) for part in PARTS}, evaluator.function, evaluator.guard
    )


def _hidden_where_nameless(value: Value) -> Value:
    """What a handoff or tool leads to: an agent that has no variable must not be named by the handoff's."""
    return UNKNOWN if isinstance(value, Draft) and value.name is None else value
