"""Evaluates attributes and items: `x.handoffs`, `T.inner`, `table["a"]`."""

import ast
from typing import TYPE_CHECKING

from backend.app.domain.projects.workflow.reflection import REFLECTIVE_ATTRIBUTES, reach, some_lists
from backend.app.domain.projects.workflow.values import (
    PARTS,
    UNKNOWN,
    AgentDefinition,
    ClassNamed,
    DictValue,
    ListValue,
    Maker,
    Named,
    SomeLists,
    Value,
    either,
    escape,
    escape_inside,
    objects_of,
)

if TYPE_CHECKING:
    from backend.app.domain.projects.workflow.expressions import Evaluator

# Methods that do not change a list or a dict.
_READING = frozenset({"copy", "count", "get", "index", "items", "keys", "reverse", "sort", "values"})


def attribute(evaluator: "Evaluator", node: ast.Attribute, depth: int) -> Value:
    """The value of `x.name`."""
    owner = evaluator.evaluate(node.value, depth + 1)
    definitions = [one for one in objects_of(owner) if isinstance(one, AgentDefinition)]
    if node.attr in PARTS and definitions and len(definitions) == len(objects_of(owner)):
        return either(definition.parts[node.attr] for definition in definitions)
    if node.attr == "clone" and len(definitions) == 1:
        return Maker("clone", is_made=True, parts=dict(definitions[0].parts))
    _note_access(evaluator, node, owner)
    if isinstance(owner, ClassNamed) and node.attr in owner.names:
        return owner.names[node.attr]
    if isinstance(owner, Named) and not owner.is_made:
        if isinstance(owner, Maker) or not evaluator.sdk.is_agent_class(node):
            return Named(evaluator.sdk.name_of([*owner.name.split("."), node.attr]))
        return Maker(evaluator.sdk.name_of([*owner.name.split("."), node.attr]))
    return some_lists(evaluator, node, owner)


def _note_access(evaluator: "Evaluator", node: ast.Attribute, owner: Value) -> None:
    """Note what code that has this attribute of an agent, a list or a dict can change."""
    if node.attr == "__dict__":
        for one in objects_of(owner):
            if isinstance(one, AgentDefinition):
                one.invalidate(PARTS)
    elif node.attr in REFLECTIVE_ATTRIBUTES:
        reach(evaluator, node.value, owner)
    for one in objects_of(owner):
        if isinstance(one, ListValue | DictValue | SomeLists):  # `add = y.append`: may be called later
            (escape_inside if node.attr in _READING else escape)(one)


def subscript(evaluator: "Evaluator", node: ast.Subscript, depth: int) -> Value:
    """The value of `x[key]`."""
    owner = evaluator.evaluate(node.value, depth + 1)
    if isinstance(owner, Maker):  # Agent[Context]
        return owner
    evaluator.evaluate(node.slice, depth + 1)
    key = node.slice.value if isinstance(node.slice, ast.Constant) else ...
    if key is not ... and isinstance(owner, DictValue) and not owner.is_open:
        return owner.items.get(key, UNKNOWN)
    if isinstance(owner, ListValue) and owner.is_readable and isinstance(key, int) and 0 <= key < len(owner.items):
        return owner.items[key]
    for one in objects_of(owner):
        escape_inside(one)
    if isinstance(owner, SomeLists) and len(owner.parts) > 1:  # vars(y)["handoffs"]
        parts = tuple(part for part in PARTS if key in (part, ...))
        return SomeLists(parts, evaluator.unfollowed) if parts else UNKNOWN
    return UNKNOWN
