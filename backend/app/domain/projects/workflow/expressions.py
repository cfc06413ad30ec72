"""Evaluates expressions as far as agents and lists of agents are concerned. Nothing is executed."""

import ast
from collections.abc import Callable, Iterable

from backend.app.domain.projects.workflow.calls import evaluate_call
from backend.app.domain.projects.workflow.collections import collect
from backend.app.domain.projects.workflow.lookups import attribute, subscript
from backend.app.domain.projects.workflow.reflection import REFLECTIVE
from backend.app.domain.projects.workflow.scope import Scope
from backend.app.domain.projects.workflow.sdk import SdkNames
from backend.app.domain.projects.workflow.shared import SharedNames
from backend.app.domain.projects.workflow.syntax import without_getattr
from backend.app.domain.projects.workflow.values import (
    NOTHING,
    PARTS,
    UNKNOWN,
    AgentDefinition,
    Guard,
    ListValue,
    Maker,
    Named,
    Value,
    either,
    escape,
    escape_inside,
    options_of,
)

# Loops and comprehensions over known lists are followed item by item: this bounds the work for one source.
MAX_STEPS = 200_000
_MAX_DEPTH = 30
# Branches in expressions are numbered from here, above all numbers of blocks.
_EXPRESSIONS = 1_000_000_000
_MAX_ITERATIONS = 50


class Evaluator:
    """Evaluates expressions in the scope, and under the conditions, that its owner sets.

    Attributes:
        scope: where names are looked up.
        guard: the conditions under which the current code runs.
        function: the function that is read; 0 for the module.
        shared: the variables that functions of the source may change.
        unfollowed: the parts, of `PARTS`, that are changed on an agent that cannot be determined.
        steps: the work done so far.
    """

    def __init__(
        self,
        sdk: SdkNames,
        bind: Callable[[str, Value], None],
        change: Callable[[ast.expr, Value], None],
        note_change: Callable[[ast.expr, bool], None],
        add_lambda: Callable[[ast.Lambda], None],
    ) -> None:
        self.sdk = sdk
        self.scope = Scope()
        self.guard: Guard = ()
        self.function = 0
        self.shared = SharedNames()
        self.unfollowed: set[str] = set()
        self.steps = 0
        self._bind = bind
        self._change = change
        self._add_lambda = add_lambda
        self.note_change = note_change

    @property
    def is_over(self) -> bool:
        """Whether the work for this source has reached its limit."""
        return self.steps > MAX_STEPS

    def evaluate(self, node: ast.expr, depth: int = 0) -> Value:
        """The value of an expression, as far as it is known."""
        self.steps += 1
        if self.is_over:
            return UNKNOWN
        if depth > _MAX_DEPTH:
            self.give_up(node)
            return UNKNOWN
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Call():
                return self._call(node, depth)
            case ast.Attribute():
                return attribute(self, node, depth)
            case ast.Subscript():
                return subscript(self, node, depth)
            case ast.Constant():
                return NOTHING if node.value is None else UNKNOWN
        collected = collect(self, node, depth)
        return self._special(node, depth) if collected is None else collected

    def _call(self, node: ast.Call, depth: int) -> Value:
        plain = without_getattr(node)
        if not isinstance(plain, ast.Attribute):
            return evaluate_call(self, node, depth)
        for default in node.args[2:]:
            escape(self.evaluate(default, depth + 1))
        return attribute(self, plain, depth)

    def _special(self, node: ast.expr, depth: int) -> Value:
        match node:
            case ast.IfExp():
                self.evaluate(node.test, depth + 1)
                return self._either_of([node.body, node.orelse], depth)
            case ast.BoolOp():
                return self._either_of(node.values, depth)
            case ast.NamedExpr():
                value = self.evaluate(node.value, depth + 1)
                self._bind(node.target.id, value)
                return value
            case ast.Lambda():
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    if default is not None:
                        escape(self.evaluate(default, depth + 1))
                self._add_lambda(node)
                return UNKNOWN
        return self._other(node, depth)

    def _other(self, node: ast.expr, depth: int) -> Value:
        """Evaluate the parts of an expression that is not followed: they may still change something."""
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                value = self.evaluate(inner, depth + 1)
                if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
                    escape(value)
        return UNKNOWN

    def give_up(self, node: ast.AST) -> None:
        """Note that an expression which is not evaluated may change everything that it names."""
        for inner in ast.walk(node):
            self.steps += 1
            if isinstance(inner, ast.Name):
                escape(self.scope.find(inner.id) or UNKNOWN)
            word = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
            if word in PARTS or word in REFLECTIVE:
                self.unfollowed.update(PARTS)

    def items_of(self, node: ast.expr, depth: int = 0) -> list[Value] | None:
        """The items of a loop over the expression, in order; None where they are not known."""
        value = self.evaluate(node, depth + 1)
        if isinstance(value, ListValue) and value.is_readable and len(value.items) <= _MAX_ITERATIONS:
            return list(value.items)
        escape_inside(value)
        return None

    def unpack(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target, which may contain several."""
        pairs: list[tuple[ast.expr, Value]] = [(target, value)]
        while pairs:
            target, value = pairs.pop()
            self.steps += 1
            if isinstance(target, ast.Starred):
                escape(value)
                pairs.append((target.value, UNKNOWN))
            elif isinstance(target, ast.Name):
                self._bind(target.id, value)
            elif isinstance(target, ast.Attribute | ast.Subscript):
                self._change(target, value)
            elif isinstance(target, ast.Tuple | ast.List):
                items: list[Value] = [UNKNOWN] * len(target.elts)
                if isinstance(value, ListValue) and value.is_readable and len(value.items) == len(target.elts):
                    items = value.items
                else:
                    escape_inside(value)
                pairs.extend(reversed(list(zip(target.elts, items, strict=True))))

    def _either_of(self, nodes: Iterable[ast.expr], depth: int) -> Value:
        """One of these values; none of the expressions is certain to run."""
        outer, values = self.guard, []
        for node in nodes:
            self.guard = self.maybe(outer)
            values.append(self.evaluate(node, depth + 1))
        self.guard = outer
        return either(values)

    def maybe(self, outer: Guard) -> Guard:
        """The guard of code that may or may not run under another guard."""
        return (*outer, _EXPRESSIONS + self.steps)

    def _name(self, node: ast.Name) -> Value:
        found = self.scope.find(node.id)
        if found is None:
            return self.named(node.id)
        if node.id in self.shared.rebound and not all(isinstance(one, AgentDefinition) for one in options_of(found)):
            return UNKNOWN
        return found

    def named(self, name: str) -> Named:
        """The value of a name that the source has not assigned."""
        if self.sdk.is_agent_class(ast.Name(name, ast.Load())):
            return Maker(name, is_plain=not self.sdk.is_computed(ast.Name(name, ast.Load())))
        return Named(name)
