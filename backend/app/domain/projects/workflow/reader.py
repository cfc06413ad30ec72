"""Finds the agents of a source: follows its statements in the order of execution, without executing them.

Where the control flow is unknown (a condition, a loop over an unknown value), all paths count: an agent's handoffs are
all that it may have. What cannot be followed is left out, and the list is marked as incomplete.
"""

import ast
from collections.abc import Sequence

from backend.app.domain.projects.source import TOO_DEEP, InvalidSourceError, parse_source
from backend.app.domain.projects.workflow.blocks import BLOCKS, follow_block
from backend.app.domain.projects.workflow.expressions import Evaluator
from backend.app.domain.projects.workflow.lists import apply_list_call, change_list, change_part
from backend.app.domain.projects.workflow.nodes import Nodes
from backend.app.domain.projects.workflow.scope import Scope
from backend.app.domain.projects.workflow.sdk import SdkNames
from backend.app.domain.projects.workflow.shared import open_to_functions, shared_names
from backend.app.domain.projects.workflow.syntax import lines_of, parameters_of, without_getattr
from backend.app.domain.projects.workflow.values import (
    NOTHING,
    PARTS,
    UNKNOWN,
    AgentDefinition,
    ClassNamed,
    Maker,
    Named,
    Value,
    either,
    escape,
    options_of,
)

# Further targets of one assignment are ignored.
_MAX_TARGETS = 50


def read_agent_definitions(code: str) -> dict[str, list[AgentDefinition]]:
    """The agents of a source by variable, in source order; several where it may be any of them.

    Raises InvalidSourceError.
    """
    reader = WorkflowReader()
    try:
        reader.read(parse_source(code))
    except RecursionError:
        # Python's recursion limit includes the caller's part of the stack.
        raise InvalidSourceError(TOO_DEEP) from None
    return dict(sorted(reader.definitions.items(), key=lambda item: item[1][-1].position))


class WorkflowReader:
    """Follows the statements of a source.

    Attributes:
        evaluator: evaluates the expressions in them.
        blocks: the number of blocks followed so far.
    """

    def __init__(self) -> None:
        self._sdk = SdkNames()
        self.evaluator = Evaluator(self._sdk, self.bind, self._change, self._note_change, self._add_lambda)
        self.blocks = 0
        self._nodes = Nodes()
        # Bodies of functions are read last, with the final variables of the module around them.
        self._functions: list[tuple[ast.arguments, Sequence[ast.stmt], Scope]] = []
        self._statement: ast.stmt = ast.Pass(lineno=0, col_offset=0)
        self._block = 0
        self._outer_names: set[str] = set()

    @property
    def definitions(self) -> dict[str, list[AgentDefinition]]:
        """The agents by variable."""
        return self._nodes.definitions

    @property
    def steps(self) -> int:
        """The work done so far: statements, expressions, merges."""
        return self.evaluator.steps

    def read(self, tree: ast.Module) -> None:
        """Follow the module, then its functions."""
        evaluator = self.evaluator
        evaluator.shared = shared_names(tree)
        self.run(tree.body)
        for number, (arguments, body, scope) in enumerate(self._functions, 1):  # grows during the loop
            evaluator.function, evaluator.scope, evaluator.guard = number, Scope(scope), (-number,)
            self._outer_names = set()
            evaluator.scope.names.update(dict.fromkeys(parameters_of(arguments), UNKNOWN))
            self.run(body)
        self._nodes.finish(PARTS if evaluator.is_over else evaluator.unfollowed)

    def run(self, statements: Sequence[ast.stmt]) -> None:
        """Follow the statements of a block, one after another."""
        outer = self._block
        self.blocks += 1
        self._block = self.blocks
        for statement in statements:
            self.evaluator.steps += 1
            self._statement = statement
            # Without a call in between: blocks may be nested a hundred levels deep.
            if isinstance(statement, BLOCKS):
                follow_block(self, statement)
            else:
                self._follow(statement)
        self._block = outer

    def bind(self, name: str, value: Value) -> None:
        """Assign a value to a variable. An agent that has no variable yet gets its name."""
        if isinstance(value, Named) and value.is_made and not isinstance(value, Maker):
            value = Named(name, is_made=True)
        if name in self.evaluator.shared.changed:
            open_to_functions(value)
        evaluator = self.evaluator
        self._nodes.name(
            name, value, self._statement, block=self._block, function=evaluator.function, guard=evaluator.guard
        )
        scope = evaluator.scope
        if name in self._outer_names:
            while scope.parent is not None and name not in scope.names:
                scope = scope.parent
            value = either([value, scope.names.get(name, value)])
        scope.names[name] = value

    def _follow(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import():
                self._bind_imported(self._sdk.read_import(statement))
            case ast.ImportFrom():
                self._bind_imported(self._sdk.read_import_from(statement))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(statement)
            case ast.Global() | ast.Nonlocal():
                self._outer_names.update(statement.names)
            case ast.Return(value=ast.expr() as value):
                escape(self.evaluator.evaluate(value))
            case ast.Raise(exc=ast.expr() as value) | ast.Assert(test=value):
                self.evaluator.evaluate(value)
            case _:
                self._follow_change(statement)

    def _bind_imported(self, names: Sequence[str]) -> None:
        for name in names:
            self.bind(name, self.evaluator.named(name))

    def _define(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for given in (*function.decorator_list, *function.args.defaults, *function.args.kw_defaults):
            if given is not None:
                escape(self.evaluator.evaluate(given))
        self._sdk.release(function.name)
        makes_agents = self._sdk.makes_agents(function)
        self.bind(function.name, Maker(function.name, is_plain=False) if makes_agents else Named(function.name))
        self._functions.append((function.args, function.body, self.evaluator.scope))

    def _add_lambda(self, function: ast.Lambda) -> None:
        body = ast.copy_location(ast.Return(function.body), function)
        self._functions.append((function.args, [body], self.evaluator.scope))

    def _follow_change(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign():
                self._assign(statement.targets, statement.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign([statement.target], value)
            case ast.AugAssign():
                self._augment(statement)
            case ast.Delete():
                for target in statement.targets:
                    self.evaluator.unpack(target, UNKNOWN)
            case ast.Expr():
                self.evaluator.evaluate(statement.value)

    def _assign(self, targets: list[ast.expr], value_node: ast.expr) -> None:
        value = self.evaluator.evaluate(value_node)
        for number, target in enumerate(targets[:_MAX_TARGETS]):
            if number and isinstance(value, AgentDefinition) and not isinstance(value_node, ast.Name):
                value = AgentDefinition(value.parts, value.scope, value.guard)  # d = e = Agent(): one agent, two nodes
            self.evaluator.unpack(target, value)

    def _change(self, target: ast.expr, value: Value) -> None:
        """Assign a value to `x.handoffs` or `y[0]`; UNKNOWN where it is deleted."""
        if isinstance(target, ast.Subscript):
            self._note_change(target.value, change_list(self.evaluator, target.value))
            escape(value)
        elif isinstance(target, ast.Attribute) and target.attr in PARTS:
            self._note_change(target, change_part(self.evaluator, target, value))
        elif isinstance(target, ast.Attribute):
            escape(value)
            for owner in options_of(self.evaluator.evaluate(target.value)):
                if isinstance(owner, ClassNamed):
                    owner.names[target.attr] = UNKNOWN

    def _augment(self, statement: ast.AugAssign) -> None:
        """Follow `x += y`, which changes a list in place."""
        target = statement.target
        call = ast.Call(ast.Attribute(target, "extend"), [statement.value], [])
        if not isinstance(statement.op, ast.Add):
            self._note_change(target, change_list(self.evaluator, target))
        elif not apply_list_call(self.evaluator, call):
            self.evaluator.evaluate(statement.value)
            if isinstance(target, ast.Name):
                self.bind(target.id, UNKNOWN)

    def _note_change(self, target: ast.expr, is_followed: bool) -> None:
        """Note a change of `x.handoffs`: as part of the source of x, or as unfollowed where x is not known."""
        target = without_getattr(target)
        if not isinstance(target, ast.Attribute) or target.attr not in PARTS:
            return
        owner = target.value
        held = self.evaluator.scope.find(owner.id) if isinstance(owner, ast.Name) else None
        if isinstance(owner, ast.Name) and (owner.id in ("self", "cls") or held is NOTHING):
            return  # not an agent of the SDK, or None on this path
        if not is_followed:
            self.evaluator.unfollowed.add(target.attr)
        if isinstance(owner, ast.Name):
            for one in options_of(held or UNKNOWN):
                if isinstance(one, AgentDefinition) and one.name == owner.id and one.block == self._block:
                    one.lines.append(lines_of(self._statement))
