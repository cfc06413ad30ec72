"""What the calls of a source return: agents, handoffs, copies of lists. Nothing is called."""

import ast
from typing import TYPE_CHECKING

from backend.app.domain.projects.workflow.agents import call_maker, clone, clone_chain, copy_call, copy_of
from backend.app.domain.projects.workflow.collections import list_of
from backend.app.domain.projects.workflow.lists import LIST_METHODS, apply_list_call
from backend.app.domain.projects.workflow.reflection import (
    REFLECTIVE_ATTRIBUTES,
    apply_reflective_call,
    hand_over,
    is_reflective,
    reach,
)
from backend.app.domain.projects.workflow.syntax import COPIES, READERS, called, is_dotted, path_of, without_getattr
from backend.app.domain.projects.workflow.values import (
    UNKNOWN,
    AgentDefinition,
    DictValue,
    ListValue,
    Named,
    Value,
    escape,
    escape_inside,
)

if TYPE_CHECKING:
    from backend.app.domain.projects.workflow.expressions import Evaluator

_WRAPPED_KEYWORDS = frozenset({"agent", "func"})


def evaluate_call(evaluator: "Evaluator", call: ast.Call, depth: int) -> Value:
    """What a call returns, as far as that is known: an agent, what it wraps, a copy of a list, or a name."""
    call = ast.copy_location(ast.Call(without_getattr(call.func), call.args, call.keywords), call)
    if apply_list_call(evaluator, call, depth):
        return UNKNOWN
    clones, origin = clone_chain(call)
    if clones:
        return _clone(evaluator, clones, origin, depth)
    function = call.func
    if not isinstance(function, ast.Attribute) or is_dotted(function):
        made = call_maker(evaluator, evaluator.evaluate(function, depth + 1), call, depth)
        if made is not None:
            return made
    owner: Value = UNKNOWN
    if isinstance(function, ast.Attribute) and function.attr not in LIST_METHODS:
        owner = evaluator.evaluate(function.value, depth + 1)
        if function.attr in REFLECTIVE_ATTRIBUTES:
            reach(evaluator, function.value, owner)
    return _method(evaluator, call, owner, depth) or _function(evaluator, call, depth)


def _clone(evaluator: "Evaluator", clones: list[ast.Call], origin: ast.expr, depth: int) -> Value:
    made = clone(evaluator, evaluator.evaluate(origin, depth + 1), clones, depth)
    if made is not None:
        return made
    for inner in clones[1:]:
        _escape_arguments(evaluator, inner, depth)
    return _other_call(evaluator, clones[0], path_of(called(clones[0])), depth)


def _method(evaluator: "Evaluator", call: ast.Call, owner: Value, depth: int) -> Value | None:
    """What a method of an agent, a list or a dict returns; None where it is another one."""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    result: Value | None = None
    if method == "as_tool":
        result = _hidden_where_nameless(owner)
    elif isinstance(owner, ListValue) and method == "copy":
        result = copy_of(evaluator, owner)
    elif isinstance(owner, DictValue) and method == "values":
        result = ListValue(evaluator.guard, list(owner.items.values()), owner.known and not owner.is_open)
    if result is not None:
        _escape_arguments(evaluator, call, depth)
    return result


def _function(evaluator: "Evaluator", call: ast.Call, depth: int) -> Value:
    """What the call of a function returns, known by the names that lead to it."""
    path = path_of(called(call))
    holder = evaluator.scope.find(path[0]) if path else None
    if isinstance(holder, Named) and not holder.is_made:
        path = [*holder.name.split("."), *path[1:]]
        copier = evaluator.sdk.copier(path)
        if copier is not None:
            return copy_call(evaluator, copier, call, depth)
    if path and evaluator.sdk.is_wrapper(path):
        return _wrapped(evaluator, call, depth)
    name = path[0] if len(path) == 1 and holder is None else ""
    if name in COPIES and len(call.args) <= 1:
        for keyword in call.keywords:
            escape(evaluator.evaluate(keyword.value, depth + 1))
        return list_of(evaluator, [ast.Starred(argument) for argument in call.args], depth)
    if name in READERS:
        for value in _arguments(evaluator, call, depth):
            escape_inside(value)
        return Named(name, is_made=True)
    return _other_call(evaluator, call, path, depth)


def _other_call(evaluator: "Evaluator", call: ast.Call, path: list[str], depth: int) -> Value:
    values = _escape_arguments(evaluator, call, depth)
    if is_reflective(path):
        apply_reflective_call(evaluator, path, call, zip(call.args[:1], values, strict=False))
    if not path or isinstance(evaluator.scope.find(path[0]), type(UNKNOWN)):
        return UNKNOWN  # a parameter, say
    return Named(evaluator.sdk.name_of(path), is_made=True)


def _escape_arguments(evaluator: "Evaluator", call: ast.Call, depth: int) -> list[Value]:
    """The arguments of a call: code that is given a list may change it, and one that is given `setattr` anything."""
    values = _arguments(evaluator, call, depth)
    for value in values:
        hand_over(evaluator, value)
    return values


def _arguments(evaluator: "Evaluator", call: ast.Call, depth: int) -> list[Value]:
    values = []
    for argument in call.args:
        starred = isinstance(argument, ast.Starred)
        values.append(evaluator.evaluate(argument.value if isinstance(argument, ast.Starred) else argument, depth + 1))
        if starred:
            escape_inside(values[-1])
    return [*values, *(evaluator.evaluate(keyword.value, depth + 1) for keyword in call.keywords)]


def _wrapped(evaluator: "Evaluator", call: ast.Call, depth: int) -> Value:
    """What a handoff or a tool wraps: its first argument, by position or by name."""
    values = _escape_arguments(evaluator, call, depth)
    names = [None] * len(call.args) + [keyword.arg for keyword in call.keywords]
    given = [value for name, value in zip(names, values, strict=True) if name is None or name in _WRAPPED_KEYWORDS]
    return _hidden_where_nameless(given[0]) if given else UNKNOWN


def _hidden_where_nameless(value: Value) -> Value:
    """What a handoff or tool leads to: an agent that has no variable must not be named by the handoff's."""
    return UNKNOWN if isinstance(value, AgentDefinition) and value.name is None else value
