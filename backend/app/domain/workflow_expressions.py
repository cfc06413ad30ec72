"""What the expressions of a source come to, as far as agents and lists of them go. Nothing is executed."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from backend.app.domain.workflow_calls import evaluate_call
from backend.app.domain.workflow_lists import LIST_METHODS
from backend.app.domain.workflow_sdk import SdkNames
from backend.app.domain.workflow_values import (
    NOTHING,
    PARTS,
    UNKNOWN,
    DictValue,
    Draft,
    Guard,
    ListValue,
    Named,
    Value,
    as_list,
    either,
    objects_of,
)

# Loops and comprehensions over known lists are followed: so much is done for a source, and no more.
MAX_STEPS = 200_000
_MAX_DEPTH = 30
# Numbers of branches within expressions: no block of statements has such a one.
_EXPRESSIONS = 1_000_000_000
_MAX_TURNS = 50
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp


@dataclass
class Scope:
    """The variables of a function, or of a branch of one, which hides those around it."""

    parent: "Scope | None" = None
    names: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """What the variable holds; None where it is not one of the source."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


class Evaluator:
    """Evaluates expressions in the scope, and under the conditions, that its owner sets.

    Attributes:
        scope: where names are looked up.
        guard: the conditions that are met here.
        function: the function that is read; 0 for the module.
        makers: the functions of the source that make an agent and return it.
        steps: how much was done so far.
    """

    def __init__(
        self,
        sdk: SdkNames,
        bind: Callable[[str, Value], None],
        change: Callable[[ast.expr, Value], None],
        note_change: Callable[[ast.expr, bool], None],
    ) -> None:
        self.sdk = sdk
        self.scope = Scope()
        self.guard: Guard = ()
        self.function = 0
        self.makers: set[str] = set()
        self.steps = 0
        self._bind = bind
        self._change = change
        self.note_change = note_change

    def evaluate(self, node: ast.expr, depth: int = 0) -> Value:
        """What the expression is, as far as that is known."""
        self.steps += 1
        if depth > _MAX_DEPTH or self.steps > MAX_STEPS:
            return UNKNOWN
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.BinOp | _COMPREHENSIONS):
            return self._collection(node, depth)
        match node:
            case ast.Name():
                return self._name(node.id)
            case ast.IfExp():
                return self._either_of([node.body, node.orelse], depth)
            case ast.BoolOp():
                return self._either_of(node.values, depth)
            case ast.NamedExpr():
                value = self.evaluate(node.value, depth + 1)
                self._bind(node.target.id, value)
                return value
            case ast.Call():
                return evaluate_call(self, node, depth)
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Subscript():
                return self._subscript(node, depth)
        return NOTHING if isinstance(node, ast.Constant) and node.value is None else self._other(node, depth)

    def _other(self, node: ast.expr, depth: int) -> Value:
        """What is not followed; the expressions in it may change something all the same."""
        if not isinstance(node, ast.Lambda | ast.DictComp):  # these have variables of their own
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, ast.expr):
                    self.evaluate(inner, depth + 1)
        return UNKNOWN

    def items_of(self, node: ast.expr, depth: int = 0) -> list[Value] | None:
        """What a loop over the expression goes through, in order; None where that is not known."""
        value = self.evaluate(node, depth + 1)
        if isinstance(value, ListValue) and value.known and len(value.items) <= _MAX_TURNS:
            return list(value.items)
        return None

    def unpack(self, target: ast.expr, value: Value) -> None:
        """Bind a target, or all that are in it, to a value."""
        pairs: list[tuple[ast.expr, Value]] = [(target, value)]
        while pairs:
            target, value = pairs.pop()
            self.steps += 1
            if isinstance(target, ast.Starred):
                pairs.append((target.value, UNKNOWN))
            elif isinstance(target, ast.Name):
                self._bind(target.id, value)
            elif isinstance(target, ast.Attribute | ast.Subscript):
                self._change(target, value)
            elif isinstance(target, ast.Tuple | ast.List):
                fits = isinstance(value, ListValue) and value.known and len(value.items) == len(target.elts)
                items = value.items if fits and isinstance(value, ListValue) else [UNKNOWN] * len(target.elts)
                pairs.extend(reversed(list(zip(target.elts, items, strict=True))))

    def _either_of(self, nodes: Iterable[ast.expr], depth: int) -> Value:
        """One of these, each evaluated or not."""
        outer, values = self.guard, []
        for node in nodes:
            self.guard = (*outer, _EXPRESSIONS + self.steps)
            values.append(self.evaluate(node, depth + 1))
        self.guard = outer
        return either(values)

    def _name(self, name: str) -> Value:
        found = self.scope.find(name)
        return Named(name) if found is None else found

    def _collection(self, node: ast.expr, depth: int) -> Value:
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                return self.list_of(node.elts, depth)
            case ast.Dict():
                return self._dict(node, depth)
            case ast.BinOp(op=ast.Add()):
                return self._sum(node, depth)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() if len(node.generators) == 1:
                return self._comprehension(node.elt, node.generators[0], depth)
        return UNKNOWN

    def list_of(self, elements: Iterable[ast.expr], depth: int) -> ListValue:
        """A new list of these elements."""
        made = ListValue(self.guard)
        for element in elements:
            if isinstance(element, ast.Starred):
                part = as_list(self.evaluate(element.value, depth + 1), self.guard)
                made.add(part.items)
                made.known = made.known and part.known
            else:
                made.add([self.evaluate(element, depth + 1)])
        return made

    def _dict(self, node: ast.Dict, depth: int) -> Value:
        values = [self.evaluate(value, depth + 1) for value in node.values]
        if any(not isinstance(key, ast.Constant) for key in node.keys):
            return UNKNOWN
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        return DictValue(dict(zip(keys, values, strict=True)))

    def _sum(self, node: ast.BinOp, depth: int) -> Value:
        # Down the left side without recursion: a sum may be thousands of terms long.
        terms: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
            terms.append(left.right)
            left = left.left
        made = ListValue(self.guard)
        for term in [left, *reversed(terms)]:
            part = as_list(self.evaluate(term, depth + 1), self.guard)
            made.add(part.items)
            made.known = made.known and part.known
        return made

    def _comprehension(self, element: ast.expr, generator: ast.comprehension, depth: int) -> Value:
        made = ListValue(self.guard)
        items = self.items_of(generator.iter, depth)
        if items is None or generator.ifs or generator.is_async:
            made.known = False
            return made
        outer = self.scope
        for item in items:
            self.scope = Scope(outer)
            self.unpack(generator.target, item)
            made.add([self.evaluate(element, depth + 1)])
        self.scope = outer
        return made

    def _attribute(self, node: ast.Attribute, depth: int) -> Value:
        owner = self.evaluate(node.value, depth + 1)
        drafts = [one for one in objects_of(owner) if isinstance(one, Draft)]
        if node.attr in PARTS and drafts and len(drafts) == len(objects_of(owner)):
            return either(draft.parts[node.attr] for draft in drafts)
        if isinstance(owner, ListValue) and node.attr in LIST_METHODS:
            owner.known = False  # `add = y.append`: called later, by whomever
        if isinstance(owner, Named) and not owner.is_made:
            return Named(self.sdk.name_of([*owner.name.split("."), node.attr]))
        return UNKNOWN

    def _subscript(self, node: ast.Subscript, depth: int) -> Value:
        owner = self.evaluate(node.value, depth + 1)
        if not isinstance(node.slice, ast.Constant):
            return UNKNOWN
        key = node.slice.value
        if isinstance(owner, DictValue):
            return owner.items.get(key, UNKNOWN)
        if isinstance(owner, ListValue) and owner.known and isinstance(key, int) and 0 <= key < len(owner.items):
            return owner.items[key]
        return UNKNOWN
