"""Ways to change an agent or a list that name it at run time: `setattr`, `vars`, `__dict__` and their like.

None of them is followed: what they reach is no longer known.
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

# Attributes that reach into whatever has them.
REFLECTIVE_ATTRIBUTES = frozenset({"__setattr__", "__delattr__", "__getattribute__", "__dict__", "__setstate__"})
_FUNCTIONS = frozenset({"getattr", "setattr", "delattr", "vars", "attrgetter", "methodcaller"})
# These reach all that there is, but `model.eval` is another.
_EVERYTHING = frozenset({"exec", "eval", "globals", "locals"})
REFLECTIVE = REFLECTIVE_ATTRIBUTES | _FUNCTIONS | _EVERYTHING


def is_reflective(path: Sequence[str]) -> bool:
    """Whether a path of names leads to one of these."""
    return bool(path) and path[-1] in REFLECTIVE and (len(path) == 1 or path[-1] not in _EVERYTHING)


def take_reflective_call(
    evaluator: "Evaluator", path: Sequence[str], call: ast.Call, subjects: Iterable[tuple[ast.expr, Value]]
) -> None:
    """Take in a call of one of these.

    Args:
        evaluator: the one that evaluates the call.
        path: the names that lead to what is called.
        call: the call.
        subjects: what it may reach into: expressions and their values.
    """
    parts = PARTS if path[-1] in _EVERYTHING else _parts_named(call)
    if path[-1] in _EVERYTHING or path[-1] in ("attrgetter", "methodcaller"):
        evaluator.unfollowed.update(parts)
    for subject, value in subjects:
        reach(evaluator, subject, value, parts)


def reach(evaluator: "Evaluator", subject: ast.expr, value: Value, parts: Iterable[str] = PARTS) -> None:
    """Note that these parts of a value can be changed from here, unseen."""
    if is_self(subject):
        return
    for one in objects_of(value):
        if isinstance(one, AgentDefinition):
            one.forget(parts)
        elif isinstance(one, ListValue | DictValue):
            escape(one)
        elif isinstance(one, Unknown | Maker) or (isinstance(one, Named) and one.is_made):
            evaluator.unfollowed.update(parts)


def some_lists(evaluator: "Evaluator", attribute: ast.Attribute, owner: Value) -> Value:
    """What `y.handoffs` or `y.__dict__` is where y may be any agent; UNKNOWN where it is none."""
    parts = PARTS if attribute.attr == "__dict__" else (attribute.attr,) if attribute.attr in PARTS else ()
    may_be_agent = any(
        isinstance(one, Unknown | AgentDefinition) or (isinstance(one, Named) and one.is_made)
        for one in objects_of(owner)
    )
    if not parts or not may_be_agent or is_self(attribute.value):
        return UNKNOWN
    return SomeLists(parts, evaluator.unfollowed)


def is_self(subject: ast.expr) -> bool:
    """Whether it is `self` or its like: no agent of the SDK, as classes of agents are looked at as a whole."""
    while isinstance(subject, ast.Call):  # super()
        subject = subject.func
    return isinstance(subject, ast.Name) and subject.id in ("self", "cls", "super")


def hand_over(evaluator: "Evaluator", value: Value) -> None:
    """Note that code which is not followed is given the value: a list, or `setattr` and its like to call it."""
    escape(value)
    for one in objects_of(value):
        if isinstance(one, Named) and not one.is_made and is_reflective(one.name.split(".")):
            evaluator.unfollowed.update(PARTS)


def _parts_named(call: ast.Call) -> tuple[str, ...]:
    """The parts of an agent that the call's first words name; all of them where these are computed."""
    words = [one.value for one in call.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    named = {word for words_of_path in words for word in words_of_path.split(".")}
    return tuple(part for part in PARTS if part in named) if words else PARTS
