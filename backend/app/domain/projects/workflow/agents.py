"""Calls in a source that make agents: of a class, a partial call or another agent. None of them is executed."""

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.app.domain.projects.workflow.lists import as_list
from backend.app.domain.projects.workflow.reflection import hand_over
from backend.app.domain.projects.workflow.sdk import COPY, DEEP_COPY, PARTIAL, REPLACE
from backend.app.domain.projects.workflow.values import (
    PARTS,
    UNKNOWN,
    AgentDefinition,
    ListValue,
    Maker,
    Named,
    Value,
    either,
    escape,
    escape_inside,
    objects_of,
)

if TYPE_CHECKING:
    from backend.app.domain.projects.workflow.expressions import Evaluator

Parts = dict[str, ListValue]


def clone_chain(call: ast.Call) -> tuple[list[ast.Call], ast.expr]:
    """Return the calls of `x.clone(...).clone(...)`, the first one last, and x; no calls where it is no clone."""
    calls: list[ast.Call] = []
    origin: ast.expr = call
    while isinstance(origin, ast.Call) and isinstance(origin.func, ast.Attribute) and origin.func.attr == "clone":
        calls.append(origin)
        origin = origin.func.value
    return calls, origin


def clone(evaluator: "Evaluator", original: Value, calls: Sequence[ast.Call], depth: int) -> Value | None:
    """A clone of an agent, which shares all lists that the call does not replace; None where it is no agent."""
    parts = parts_of(evaluator, original)
    if parts is None:
        return None
    for call in reversed(calls):
        parts |= _given_parts(evaluator, call.args, call.keywords, depth)
    return _definition(evaluator, parts)


def parts_of(evaluator: "Evaluator", value: Value) -> Parts | None:
    """The lists of an agent, merged where the value may be one of several; None where it is no agent."""
    options = objects_of(value)
    definitions = [one for one in options if isinstance(one, AgentDefinition)]
    if not definitions:
        return None
    if len(definitions) < len(options):
        return unknown_parts(evaluator)
    return {part: as_list(either(one.parts[part] for one in definitions), evaluator.guard) for part in PARTS}


def unknown_parts(evaluator: "Evaluator") -> Parts:
    """Lists with unknown content."""
    return {part: ListValue(evaluator.guard, known=False) for part in PARTS}


def call_maker(evaluator: "Evaluator", called: Value, call: ast.Call, depth: int) -> Value | None:
    """The agent that a call of a class, partial or function returns; None where it returns no agent."""
    options = objects_of(called)
    makers = [one for one in options if isinstance(one, Maker)]
    if not makers:
        return None
    given = _given_parts(evaluator, call.args[1:], call.keywords, depth)
    for argument in call.args[:1]:
        escape(evaluator.evaluate(argument, depth + 1))
    if len(makers) < len(options) or not all(maker.is_plain for maker in makers):
        for part in given.values():
            escape(part)
        return _definition(evaluator, unknown_parts(evaluator))
    preset = {
        part: either(maker.parts.get(part) or ListValue(evaluator.guard) for maker in makers)
        for part in PARTS
        if any(part in maker.parts for maker in makers)
    }
    return _definition(evaluator, {part: as_list(value, evaluator.guard) for part, value in preset.items()} | given)


def copy_call(evaluator: "Evaluator", copier: str, call: ast.Call, depth: int) -> Value:
    """What `partial(Agent, ...)`, `replace(x, ...)` or `copy(x)` returns."""
    first = evaluator.evaluate(call.args[0], depth + 1) if call.args else UNKNOWN
    rest = call.args[2:] if copier == PARTIAL else call.args[1:]
    given = _given_parts(evaluator, rest, call.keywords, depth)
    if copier == PARTIAL:
        for argument in call.args[1:2]:
            escape(evaluator.evaluate(argument, depth + 1))
    parts = parts_of(evaluator, first)
    if copier == PARTIAL and isinstance(first, Maker):
        return Maker(first.name, parts=first.parts | given, is_plain=first.is_plain)
    if copier in (REPLACE, COPY) and parts is not None:
        return _definition(evaluator, parts | given)
    if copier == DEEP_COPY and parts is not None:  # its handoffs are copies too, and assigned to no variable
        return _definition(evaluator, unknown_parts(evaluator))
    if copier == COPY and isinstance(first, ListValue):
        return copy_of(evaluator, first)
    for value in (first, *given.values()):
        hand_over(evaluator, value)
    return Named(copier, is_made=True)


def copy_of(evaluator: "Evaluator", original: ListValue) -> ListValue:
    """A new list of the same items."""
    copied = ListValue(evaluator.guard)
    copied.extend(original)
    return copied


def _given_parts(
    evaluator: "Evaluator", rest: Sequence[ast.expr], keywords: Sequence[ast.keyword], depth: int
) -> Parts:
    """The lists that a call passes to an agent.

    Args:
        evaluator: evaluates the arguments.
        rest: the positional arguments after the name or the agent; which parameters they are for is not known.
        keywords: the keyword arguments.
        depth: of the call.
    """
    parts: Parts = unknown_parts(evaluator) if rest else {}
    for argument in rest:
        escape(evaluator.evaluate(argument, depth + 1))
    for keyword in keywords:
        value = evaluator.evaluate(keyword.value, depth + 1)
        if keyword.arg is None:
            escape_inside(value)
            parts |= unknown_parts(evaluator)
        elif keyword.arg in PARTS:
            parts[keyword.arg] = as_list(value, evaluator.guard)
        else:
            escape(value)
    return parts


def _definition(evaluator: "Evaluator", parts: Parts) -> AgentDefinition:
    complete = {part: parts.get(part) or ListValue(evaluator.guard) for part in PARTS}
    return AgentDefinition(complete, evaluator.function, evaluator.guard)
