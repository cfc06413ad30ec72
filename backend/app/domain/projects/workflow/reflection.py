"""Reflection that can change an agent or a list: `setattr`, `vars`, `__dict__` and others like them.

It is not followed: what it can reach is marked as unknown.
"""

import ast
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from backend.app.domain.projects.workflow.values import (
    PARTS,
    UNKNOWN,
    AgentDefinition,
    DictValue,
    ListValue,
    Maker,
    Named,
    SomeLists,
    Unknown,
    Value,
    escape,
    objects_of,
)

if TYPE_CHECKING:
    from backend.app.domain.projects.workflow.expressions import Evaluator

# Attributes that give access to all attributes of their owner.
REFLECTIVE_ATTRIBUTES = frozenset({"__setattr__", "__delattr__", "__getattribute__", "__dict__", "__setstate__"})
_FUNCTIONS = frozenset({"getattr", "setattr", "delattr", "vars", "attrgetter", "methodcaller"})
# Functions that can reach everything; `model.eval` is not one of them.
_EVERYTHING = frozenset({"exec", "eval", "globals", "locals"})
REFLECTIVE = REFLECTIVE_ATTRIBUTES | _FUNCTIONS | _EVERYTHING


def is_reflective(path: Sequence[str]) -> bool:
    """Whether a path of names is reflective."""
    return bool(path) and path[-1] in REFLECTIVE and (len(path) == 1 or path[-1] not in _EVERYTHING)


def apply_reflective_call(
    evaluator: "Evaluator", path: Sequence[str], call: ast.Call, subjects: Iterable[tuple[ast.expr, Value]]
) -> None:
    """Apply a reflective call.

    Args:
        evaluator: evaluates the call.
        path: the path of names of the called function.
        call: the call.
        subjects: the expressions that it may reach into, with their values.
    """
    parts = PARTS if path[-1] in _EVERYTHING else _parts_named(call)
    if path[-1] in _EVERYTHING or path[-1] in ("attrgetter", "methodcaller"):
        evaluator.unfollowed.update(parts)
    for subject, value in subjects:
        reach(evaluator, subject, value, parts)


def reach(evaluator: "Evaluator", subject: ast.expr, value: Value, parts: Iterable[str] = PARTS) -> None:
    """Mark these parts of a value as unknown: code that is not followed can change them."""
    if is_self(subject):
        return
    for one in objects_of(value):
        if isinstance(one, AgentDefinition):
            one.invalidate(parts)
        elif isinstance(one, ListValue | DictValue):
            escape(one)
        elif isinstance(one, Unknown | Maker) or (isinstance(one, Named) and one.is_made):
            evaluator.unfollowed.update(parts)


def some_lists(evaluator: "Evaluator", attribute: ast.Attribute, owner: Value) -> Value:
    """The value of `y.handoffs` or `y.__dict__` where y may be any agent; UNKNOWN where it is none."""
    parts = PARTS if attribute.attr == "__dict__" else (attribute.attr,) if attribute.attr in PARTS else ()
    may_be_agent = any(
        isinstance(one, Unknown | AgentDefinition) or (isinstance(one, Named) and one.is_made)
        for one in objects_of(owner)
    )
    if not parts or not may_be_agent or is_self(attribute.value):
        return UNKNOWN
    return SomeLists(parts, evaluator.unfollowed)


def is_self(subject: ast.expr) -> bool:
    """Whether it is `self`, `cls` or `super()`: classes of agents are analysed separately."""
    while isinstance(subject, ast.Call):  # super()
        subject = subject.func
    return isinstance(subject, ast.Name) and subject.id in ("self", "cls", "super")


def hand_over(evaluator: "Evaluator", value: Value) -> None:
    """Note that a value, perhaps a reflective function, is passed to code that is not followed."""
    escape(value)
    for one in objects_of(value):
        if isinstance(one, Named) and not one.is_made and is_reflective(one.name.split(".")):
            evaluator.unfollowed.update(PARTS)


def _parts_named(call: ast.Call) -> tuple[str, ...]:
    """The parts of an agent that the call's first arguments name; all parts where those are not constants."""
    words = [one.value for one in call.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    named = {word for path in words for word in path.split(".")}
    return tuple(part for part in PARTS if part in named) if words else PARTS
