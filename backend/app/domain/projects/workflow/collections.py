"""Lists, dicts and comprehensions of a source. Loops in them are followed turn by turn over known lists, else once."""

import ast
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from backend.app.domain.projects.workflow.lists import as_list
from backend.app.domain.projects.workflow.scope import Scope
from backend.app.domain.projects.workflow.values import UNKNOWN, DictValue, ListValue, Value, escape

if TYPE_CHECKING:
    from backend.app.domain.projects.workflow.expressions import Evaluator

# More loops within a comprehension are not followed.
_MAX_LOOPS = 5
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def collect(evaluator: "Evaluator", node: ast.expr, depth: int) -> Value | None:
    """The list or dict that an expression makes; None where it is another kind of expression."""
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            return list_of(evaluator, node.elts, depth)
        case ast.Dict():
            return _dict(evaluator, node, depth)
        case ast.BinOp(op=ast.Add()):
            return _sum(evaluator, node, depth)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return _comprehension(evaluator, node, depth)
    return None


def list_of(evaluator: "Evaluator", elements: Iterable[ast.expr], depth: int) -> ListValue:
    """A new list of these elements."""
    made = ListValue(evaluator.guard)
    for element in elements:
        if isinstance(element, ast.Starred):
            made.extend(as_list(evaluator.evaluate(element.value, depth + 1), evaluator.guard))
        else:
            made.add([evaluator.evaluate(element, depth + 1)])
    return made


def _dict(evaluator: "Evaluator", node: ast.Dict, depth: int) -> Value:
    values = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            evaluator.evaluate(key, depth + 1)
        values.append(evaluator.evaluate(value, depth + 1))
    if any(not isinstance(key, ast.Constant) for key in node.keys):
        for held in values:
            escape(held)
        return UNKNOWN
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return DictValue(dict(zip(keys, values, strict=True)))


def _sum(evaluator: "Evaluator", node: ast.BinOp, depth: int) -> Value:
    # Down the left side without recursion: a sum may be thousands of terms long.
    terms: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
        terms.append(left.right)
        left = left.left
    made = ListValue(evaluator.guard)
    for term in [left, *reversed(terms)]:
        made.extend(as_list(evaluator.evaluate(term, depth + 1), evaluator.guard))
    return made


def _comprehension(evaluator: "Evaluator", node: _Comprehension, depth: int) -> Value:
    """What a comprehension makes: a list, known where it goes through known lists and leaves nothing out."""
    if len(node.generators) > _MAX_LOOPS:
        evaluator.give_up(node)
        return UNKNOWN
    elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    made = ListValue(evaluator.guard)
    outer, guard = evaluator.scope, evaluator.guard
    _loop(evaluator, made, elements, node.generators, depth)
    evaluator.scope, evaluator.guard = outer, guard
    if isinstance(node, ast.DictComp):
        escape(made)
        return UNKNOWN
    return made


def _loop(
    evaluator: "Evaluator",
    made: ListValue,
    elements: Sequence[ast.expr],
    generators: Sequence[ast.comprehension],
    depth: int,
) -> None:
    """Go through the loops that are left, the outer one first; each turn adds an element."""
    if not generators:
        values = [evaluator.evaluate(element, depth + 1) for element in elements]
        if made.known:
            made.add(values)
        else:
            escape(ListValue(evaluator.guard, values))
        return
    generator, inner = generators[0], generators[1:]
    items = evaluator.items_of(generator.iter, depth)
    outer, guard = evaluator.scope, evaluator.guard
    if items is None or generator.ifs or generator.is_async:
        made.known = False
        evaluator.guard = evaluator.maybe(guard)
    for item in [UNKNOWN] if items is None else items:
        if evaluator.is_over:
            break
        evaluator.scope = Scope(outer)
        evaluator.unpack(generator.target, item)
        for condition in generator.ifs:
            evaluator.evaluate(condition, depth + 1)
        _loop(evaluator, made, elements, inner, depth)
    evaluator.scope, evaluator.guard = outer, guard
