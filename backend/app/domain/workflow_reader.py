"""Finds the agents of a source: follows its statements as Python would run them, and runs none.

Where the way through the code is open (a condition, a loop over something unknown) all ways count: an agent's handoffs
are those that it may have. What cannot be followed is left out, and its list is no longer known whole.
"""

import ast
from collections.abc import Sequence

from backend.app.domain.node_name import is_node_name
from backend.app.domain.source import TOO_DEEP, InvalidSourceError, parse_source
from backend.app.domain.workflow_expressions import MAX_STEPS, Evaluator, Scope
from backend.app.domain.workflow_lists import change_list, change_part, take_list_call
from backend.app.domain.workflow_sdk import SdkNames
from backend.app.domain.workflow_syntax import (
    branches_of,
    lines_of,
    names_assigned_in,
    names_captured_by,
    parameters_of,
    statements_in,
)
from backend.app.domain.workflow_values import (
    MAX_OPTIONS,
    NOTHING,
    PARTS,
    UNKNOWN,
    Draft,
    Named,
    Value,
    either,
    is_certain,
    options_of,
)

# More targets than this name nothing.
_MAX_TARGETS = 50
_BLOCKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
    *(ast.Try, ast.TryStar, ast.Match, ast.ClassDef),
)
_LOOP_EXITS = (ast.Break, ast.Continue, ast.Return)


def read_drafts(code: str) -> dict[str, list[Draft]]:
    """The agents of a source by their variable, in source order; several where it may hold one or another.

    Raises InvalidSourceError.
    """
    reader = WorkflowReader()
    try:
        reader.read(parse_source(code))
    except RecursionError:
        # Python's own limit is for the whole stack, the caller's part too.
        raise InvalidSourceError(TOO_DEEP) from None
    return dict(sorted(reader.drafts.items(), key=lambda item: item[1][-1].position))


class WorkflowReader:
    """Follows the statements of a source.

    Attributes:
        drafts: the agents, by their variable.
        unfollowed: the parts, of `PARTS`, that some statement changes of an agent nobody can tell which.
    """

    def __init__(self) -> None:
        self.drafts: dict[str, list[Draft]] = {}
        self.unfollowed: set[str] = set()
        self._sdk = SdkNames()
        self._eval = Evaluator(self._sdk, self._bind, self._change, self._note_change)
        # Bodies of functions are read last: they see what the module around them has in the end.
        self._functions: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Scope]] = []
        self._statement: ast.stmt = ast.Pass(lineno=0, col_offset=0)
        self._block = 0
        self._blocks = 0
        self._outer_names: set[str] = set()

    @property
    def steps(self) -> int:
        """How much was done so far: statements, expressions, merges."""
        return self._eval.steps

    def read(self, tree: ast.Module) -> None:
        """Follow the module, then its functions."""
        self._run(tree.body)
        for number, (function, scope) in enumerate(self._functions, 1):  # grows while it is read
            self._eval.function, self._eval.scope, self._eval.guard = number, Scope(scope), (-number,)
            self._outer_names = set()
            self._eval.scope.names.update(dict.fromkeys(parameters_of(function.args), UNKNOWN))
            self._run(function.body)
        unfollowed = PARTS if self._eval.steps > MAX_STEPS else self.unfollowed
        for drafts in self.drafts.values():
            for draft in drafts:
                for part in unfollowed:
                    draft.parts[part].known = False

    def _run(self, statements: Sequence[ast.stmt]) -> None:
        outer = self._block
        self._blocks += 1
        self._block = self._blocks
        for statement in statements:
            self._eval.steps += 1
            self._statement = statement
            # Straight from here: blocks may lie a hundred deep in each other.
            (self._take_block if isinstance(statement, _BLOCKS) else self._take)(statement)
        self._block = outer

    def _take(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import():
                self._bind_names(self._sdk.take_import(statement))
            case ast.ImportFrom():
                self._bind_names(self._sdk.take_import_from(statement))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(statement)
            case ast.Global() | ast.Nonlocal():
                self._outer_names.update(statement.names)
            case ast.Return(value=ast.expr() as value) | ast.Raise(exc=ast.expr() as value) | ast.Assert(test=value):
                self._eval.evaluate(value)
            case _:
                self._take_change(statement)

    def _define(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for given in (*function.decorator_list, *function.args.defaults, *function.args.kw_defaults):
            if given is not None:
                self._eval.evaluate(given)
        self._sdk.forget(function.name)
        self._eval.makers.discard(function.name)
        if self._sdk.makes_agents(function):
            self._eval.makers.add(function.name)
        self._bind_names([function.name])
        self._functions.append((function, self._eval.scope))

    def _take_change(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign():
                self._assign(statement.targets, statement.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign([statement.target], value)
            case ast.AugAssign():
                self._augment(statement)
            case ast.Delete():
                for target in statement.targets:
                    self._eval.unpack(target, UNKNOWN)
            case ast.Expr():
                self._eval.evaluate(statement.value)

    def _take_block(self, statement: ast.stmt) -> None:
        match statement:
            case ast.If():
                self._eval.evaluate(statement.test)
                self._branch(*branches_of(statement))
            case ast.For() | ast.AsyncFor():
                self._loop(statement)
            case ast.While():
                self._eval.evaluate(statement.test)
                self._run_unknown_turns(statement.body)
                self._run(statement.orelse)
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    self._eval.evaluate(item.context_expr)
                    if item.optional_vars is not None:
                        self._eval.unpack(item.optional_vars, UNKNOWN)
                self._run(statement.body)
            case ast.Try() | ast.TryStar():
                handlers = [handler.body for handler in statement.handlers]
                self._branch([[*statement.body, *statement.orelse], *handlers], is_complete=False)
                self._run(statement.finalbody)
            case ast.Match():
                self._eval.evaluate(statement.subject)
                names = [name for case in statement.cases for name in names_captured_by(case.pattern)]
                self._eval.scope.names.update(dict.fromkeys(names, UNKNOWN))
                self._branch([case.body for case in statement.cases], is_complete=False)
            case ast.ClassDef():
                self._sdk.take_class(statement)
                self._bind_names([statement.name])
                outer, self._eval.scope = self._eval.scope, Scope(self._eval.scope)
                self._run(statement.body)
                self._eval.scope = outer

    def _assign(self, targets: list[ast.expr], value_node: ast.expr) -> None:
        value = self._eval.evaluate(value_node)
        for number, target in enumerate(targets[:_MAX_TARGETS]):
            if number and isinstance(value, Draft) and not isinstance(value_node, ast.Name):
                value = Draft(value.parts, value.scope, value.guard)  # d = e = Agent(): one agent, two nodes
            self._eval.unpack(target, value)

    def _change(self, target: ast.expr, value: Value) -> None:
        """Give `x.handoffs` or `y[0]` a new value; UNKNOWN where it is deleted."""
        if isinstance(target, ast.Subscript):
            self._note_change(target.value, change_list(self._eval, target.value))
        elif isinstance(target, ast.Attribute) and target.attr in PARTS:
            self._note_change(target, change_part(self._eval, target, value))

    def _augment(self, statement: ast.AugAssign) -> None:
        """Take in `x += y`, which changes a list itself."""
        target = statement.target
        call = ast.Call(ast.Attribute(target, "extend"), [statement.value], [])
        if not isinstance(statement.op, ast.Add):
            self._note_change(target, change_list(self._eval, target))
        elif not take_list_call(self._eval, call):
            self._eval.evaluate(statement.value)
            if isinstance(target, ast.Name):
                self._bind(target.id, UNKNOWN)

    def _note_change(self, target: ast.expr, is_followed: bool) -> None:
        """Note a change of `x.handoffs`: it belongs to the source of x, or nobody can tell to whose."""
        if not isinstance(target, ast.Attribute) or target.attr not in PARTS:
            return
        owner = target.value
        if isinstance(owner, ast.Name) and (owner.id in ("self", "cls") or self._eval.scope.find(owner.id) is NOTHING):
            return  # no agent of the SDK, or on this way through the code none at all
        if not is_followed:
            self.unfollowed.add(target.attr)
        if isinstance(owner, ast.Name):
            for one in options_of(self._eval.scope.find(owner.id) or UNKNOWN):
                if isinstance(one, Draft) and one.name == owner.id and one.block == self._block:
                    one.lines.append(lines_of(self._statement))

    def _bind_names(self, names: Sequence[str]) -> None:
        for name in names:
            self._bind(name, Named(name))

    def _bind(self, name: str, value: Value) -> None:
        """Let a variable hold a value; an agent that has no variable yet is named by it."""
        if isinstance(value, Named) and value.is_made:
            value = Named(name, is_made=True)
        self._name_agents(name, value)
        scope = self._eval.scope
        if name in self._outer_names:
            while scope.parent is not None and name not in scope.names:
                scope = scope.parent
            value = either([value, scope.names.get(name, value)])
        scope.names[name] = value

    def _name_agents(self, name: str, value: Value) -> None:
        fresh = [one for one in options_of(value) if isinstance(one, Draft) and one.name is None]
        if not fresh or not is_node_name(name):
            return
        position = self._statement.lineno, self._statement.col_offset
        for draft in fresh:
            draft.name, draft.block, draft.position = name, self._block, position
            draft.lines.append(lines_of(self._statement))
        before = self.drafts.get(name, [])
        if before and before[-1].scope != self._eval.function:
            # Two variables of the same name: the one that comes last in the source is shown.
            if before[-1].position > position:
                return
            before = []
        # Of more than these nothing is said anyway.
        kept = [one for one in before[-MAX_OPTIONS:] if not is_certain(self._eval.guard, one.guard)]
        self.drafts.pop(name, None)
        self.drafts[name] = [*kept, *fresh]

    def _branch(self, branches: Sequence[Sequence[ast.stmt]], is_complete: bool) -> None:
        """Follow each branch by itself; afterwards a variable may hold what any of them gave it."""
        base, guard = self._eval.scope, self._eval.guard
        scopes = [Scope(base) for _ in branches]
        for scope, branch in zip(scopes, branches, strict=True):
            self._eval.guard = (*guard, self._blocks + 1)
            self._eval.scope = scope
            self._run(branch)
        self._eval.scope, self._eval.guard = base, guard
        for name in dict.fromkeys(name for scope in scopes for name in scope.names):
            self._eval.steps += 1
            values = [scope.names[name] for scope in scopes if name in scope.names]
            before = base.find(name)
            if before is not None and (len(values) < len(scopes) or not is_complete):
                values.insert(0, before)
            base.names[name] = either(values)

    def _loop(self, statement: ast.For | ast.AsyncFor) -> None:
        """Follow a loop over a known list turn by turn; of another one, one turn of which nothing is known."""
        items = self._eval.items_of(statement.iter)
        if items is None or any(isinstance(node, _LOOP_EXITS) for node in statements_in(statement.body)):
            self._run_unknown_turns(statement.body, statement.target)
        else:
            for item in items:
                if self._eval.steps > MAX_STEPS:
                    break
                self._eval.unpack(statement.target, item)
                self._run(statement.body)
        self._run(statement.orelse)

    def _run_unknown_turns(self, body: Sequence[ast.stmt], target: ast.expr | None = None) -> None:
        """Follow the body of a loop once, for any of its turns: what it changes may come from the turn before."""
        for name in names_assigned_in(body):
            if self._eval.scope.find(name) is not None:
                self._eval.scope.names[name] = UNKNOWN
        if target is not None:
            self._eval.unpack(target, UNKNOWN)
        self._branch([body], is_complete=False)
