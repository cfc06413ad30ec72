"""Applies changes of lists: `append`, `remove`, assignments to `x.handoffs` and others like them."""

import ast
from typing import TYPE_CHECKING

from backend.app.domain.projects.workflow.values import (
    AgentDefinition,
    DictValue,
    Guard,
    ListValue,
    Named,
    SomeLists,
    Value,
    escape,
    objects_of,
)

if TYPE_CHECKING:
    from backend.app.domain.projects.workflow.expressions import Evaluator

# Methods of lists by their effect; after any other method the content of the list is unknown.
_ADD_ONE = {"append": 0, "insert": 1, "add": 0}
_HARMLESS = frozenset({"sort", "reverse", "count", "index"})
_EXTEND = frozenset({"extend", "update", "__iadd__"})
LIST_METHODS = frozenset(
    {*_ADD_ONE, *_HARMLESS, *_EXTEND, "remove", "discard", "clear", "pop", "popitem", "setdefault", "__setitem__"}
)


def is_certain(guard: Guard, made: Guard) -> bool:
    """Whether code under `guard` runs whenever the earlier code under `made` has run."""
    return made[: len(guard)] == guard


def as_list(value: Value, guard: Guard) -> ListValue:
    """The value as an agent's handoffs or tools: the list itself, or a new list of all that it may contain."""
    if isinstance(value, ListValue):
        return value
    merged = ListValue(guard)
    for option in objects_of(value):
        if isinstance(option, ListValue):
            merged.extend(option)
        elif isinstance(option, AgentDefinition):
            merged.add([option])
        else:
            merged.known = False
    return merged


def apply_list_call(evaluator: "Evaluator", expression: ast.expr, depth: int = 0) -> bool:
    """Apply a call of a list method, such as `y.append(x)`, where y is a known list. Returns whether it is one.

    Otherwise only y was evaluated, not the arguments: evaluating these twice per call would take 2^n steps for a chain.
    """
    if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Attribute):
        return False
    method, target = expression.func.attr, expression.func.value
    if method not in LIST_METHODS:
        return False
    options = objects_of(evaluator.evaluate(target, depth + 1))
    lists = [one for one in options if isinstance(one, ListValue)]
    arguments = [evaluator.evaluate(argument, depth + 1) for argument in expression.args if lists]
    for keyword in expression.keywords if lists else ():
        evaluator.evaluate(keyword.value, depth + 1)
    evaluator.note_change(target, bool(lists))
    for one in lists:
        certain = len(options) == 1 and is_certain(evaluator.guard, one.guard)
        _apply(evaluator, one, method, arguments, certain=certain)
    for other in options:
        if isinstance(other, DictValue):
            other.invalidate()
        elif isinstance(other, SomeLists) and method not in _HARMLESS:
            escape(other)
    return bool(lists)


def change_part(evaluator: "Evaluator", target: ast.Attribute, value: Value) -> bool:
    """Apply `x.handoffs = value`. Returns whether x is known."""
    owners = objects_of(evaluator.evaluate(target.value))
    known = [owner for owner in owners if isinstance(owner, AgentDefinition)]
    made = as_list(value, evaluator.guard)
    for definition in known:
        if len(owners) == 1 and is_certain(evaluator.guard, definition.guard):
            made.is_open = made.is_open or definition.parts[target.attr].is_open
            definition.parts[target.attr] = made
        else:
            before = definition.parts[target.attr]
            merged = ListValue(definition.guard, list(before.items), before.known and made.known, before.is_open)
            merged.add(made.items)
            definition.parts[target.attr] = merged
    return bool(known) and len(known) == len(owners)


def change_list(evaluator: "Evaluator", target: ast.expr) -> bool:
    """Apply `y[0] = x`, `del y[0]` and others: the content of y is then unknown. Returns whether y is known."""
    owners = objects_of(evaluator.evaluate(target))
    for owner in owners:
        if isinstance(owner, ListValue | DictValue):
            owner.invalidate()
        elif isinstance(owner, SomeLists):
            escape(owner)
    return all(isinstance(owner, ListValue) for owner in owners)


def _apply(evaluator: "Evaluator", changed: ListValue, method: str, arguments: list[Value], *, certain: bool) -> None:
    if method in _ADD_ONE:
        changed.add(arguments[_ADD_ONE[method] :][:1])
    elif method in _EXTEND:
        for argument in arguments[:1]:
            changed.extend(as_list(argument, evaluator.guard))
    elif method in ("remove", "discard") and arguments:
        _remove(changed, arguments[0], certain=certain)
    elif method == "clear":
        if certain:
            changed.items, changed.known = [], not changed.has_escaped
    elif method not in _HARMLESS:
        changed.invalidate()


def _remove(changed: ListValue, removed: Value, *, certain: bool) -> None:
    """Remove one item. If it is not certain which one, the content of the list is unknown."""
    same = [item for item in changed.items if item is removed or (isinstance(item, Named) and item == removed)]
    if not isinstance(removed, AgentDefinition | Named) or not same:
        changed.invalidate()
    elif certain:
        changed.items.remove(same[0])
