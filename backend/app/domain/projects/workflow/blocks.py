"""Follows blocks of a source: each branch separately, and loops over known lists item by item."""

import ast
from collections.abc import Sequence
from typing import Protocol

from backend.app.domain.projects.workflow.expressions import Evaluator
from backend.app.domain.projects.workflow.scope import Scope
from backend.app.domain.projects.workflow.syntax import branches_of, names_assigned_in, names_captured_by, statements_in
from backend.app.domain.projects.workflow.values import (
    UNKNOWN,
    AgentDefinition,
    ClassNamed,
    Maker,
    Value,
    either,
    escape,
    options_of,
)

BLOCKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
    *(ast.Try, ast.TryStar, ast.Match, ast.ClassDef),
)
_LOOP_EXITS = (ast.Break, ast.Continue, ast.Return)


class Reader(Protocol):
    """The part of the workflow reader that blocks need."""

    evaluator: Evaluator
    blocks: int

    def run(self, statements: Sequence[ast.stmt]) -> None:
        """Follow the statements of a block, one after another."""

    def bind(self, name: str, value: Value) -> None:
        """Assign a value to a variable."""


def follow_block(reader: Reader, statement: ast.stmt) -> None:
    """Follow one of BLOCKS."""
    evaluator = reader.evaluator
    match statement:
        case ast.If():
            tests, branches, is_complete = branches_of(statement)
            evaluator.evaluate(tests[0])
            _evaluate_some(reader, tests[1:])
            _branch(reader, branches, is_complete)
        case ast.For() | ast.AsyncFor():
            _loop(reader, statement)
        case ast.While():
            evaluator.evaluate(statement.test)
            _run_unknown_iterations(reader, statement.body)
            reader.run(statement.orelse)
        case ast.With() | ast.AsyncWith():
            _with(reader, statement)
        case ast.Try() | ast.TryStar():
            handlers = [handler.body for handler in statement.handlers]
            _branch(reader, [[*statement.body, *statement.orelse], *handlers], is_complete=False)
            reader.run(statement.finalbody)
        case ast.Match():
            _match(reader, statement)
        case ast.ClassDef():
            _define_class(reader, statement)


def _with(reader: Reader, statement: ast.With | ast.AsyncWith) -> None:
    for item in statement.items:
        escape(reader.evaluator.evaluate(item.context_expr))
        if item.optional_vars is not None:
            reader.evaluator.unpack(item.optional_vars, UNKNOWN)
    reader.run(statement.body)


def _match(reader: Reader, statement: ast.Match) -> None:
    evaluator = reader.evaluator
    subject = evaluator.evaluate(statement.subject)
    names = [name for case in statement.cases for name in names_captured_by(case.pattern)]
    if names:
        escape(subject)
    evaluator.scope.names.update(dict.fromkeys(names, UNKNOWN))
    _evaluate_some(reader, [case.guard for case in statement.cases if case.guard is not None])
    _branch(reader, [case.body for case in statement.cases], is_complete=False)


def _evaluate_some(reader: Reader, tests: Sequence[ast.expr]) -> None:
    """Evaluate the tests of branches, none of which is certain to run."""
    evaluator = reader.evaluator
    outer = evaluator.guard
    for test in tests:
        evaluator.guard = evaluator.maybe(outer)
        evaluator.evaluate(test)
    evaluator.guard = outer


def _define_class(reader: Reader, statement: ast.ClassDef) -> None:
    """Follow a class, whose agents are then known under its name: `T.inner`."""
    evaluator = reader.evaluator
    given = [*statement.decorator_list, *statement.bases, *(keyword.value for keyword in statement.keywords)]
    for one in given:
        escape(evaluator.evaluate(one))
    evaluator.sdk.read_class(statement)
    named = evaluator.named(statement.name)
    reader.bind(statement.name, named)
    outer, evaluator.scope = evaluator.scope, Scope(evaluator.scope)
    inner = evaluator.scope.names
    reader.run(statement.body)
    evaluator.scope = outer
    # Lists are left out: `self.names.append(...)` can change them.
    agents = {
        name: value
        for name, value in inner.items()
        if all(isinstance(one, AgentDefinition | ClassNamed) for one in options_of(value))
    }
    if isinstance(named, Maker):
        reader.bind(statement.name, Maker(named.name, names=agents, is_plain=named.is_plain))
    else:
        reader.bind(statement.name, ClassNamed(named.name, names=agents))


def _branch(reader: Reader, branches: Sequence[Sequence[ast.stmt]], is_complete: bool) -> None:
    """Follow each branch separately. Afterwards a variable may have the value of any of them."""
    evaluator = reader.evaluator
    base, guard = evaluator.scope, evaluator.guard
    scopes = [Scope(base) for _ in branches]
    for scope, branch in zip(scopes, branches, strict=True):
        evaluator.guard = (*guard, reader.blocks + 1)
        evaluator.scope = scope
        reader.run(branch)
    evaluator.scope, evaluator.guard = base, guard
    values: dict[str, list[Value]] = {}
    for scope in scopes:
        for name, value in scope.names.items():
            evaluator.steps += 1
            values.setdefault(name, []).append(value)
    for name, given in values.items():
        before = base.find(name)
        if before is not None and (len(given) < len(scopes) or not is_complete):
            given.insert(0, before)
        base.names[name] = either(given)


def _loop(reader: Reader, statement: ast.For | ast.AsyncFor) -> None:
    """Follow a loop over a known list item by item; of any other loop, one iteration with unknown values."""
    evaluator = reader.evaluator
    items = evaluator.items_of(statement.iter)
    if items is None or any(isinstance(node, _LOOP_EXITS) for node in statements_in(statement.body)):
        _run_unknown_iterations(reader, statement.body, statement.target)
    else:
        for item in items:
            if evaluator.is_over:
                break
            evaluator.unpack(statement.target, item)
            reader.run(statement.body)
    reader.run(statement.orelse)


def _run_unknown_iterations(reader: Reader, body: Sequence[ast.stmt], target: ast.expr | None = None) -> None:
    """Follow the body of a loop once, for all iterations: what it assigns may come from the one before."""
    evaluator = reader.evaluator
    for name in names_assigned_in(body):
        if evaluator.scope.find(name) is not None:
            evaluator.scope.names[name] = UNKNOWN
    if target is not None:
        evaluator.unpack(target, UNKNOWN)
    _branch(reader, [body], is_complete=False)
