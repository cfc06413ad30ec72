"""What the syntax of a source says by itself, no values asked."""

import ast
from collections.abc import Sequence


def statements_in(statements: Sequence[ast.stmt]) -> list[ast.AST]:
    """The statements, and those in their blocks, but not in functions and classes that they define."""
    found: list[ast.AST] = list(statements)
    for node in found:  # grows while it is read
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            inner = getattr(node, name, None)
            if isinstance(inner, list):
                found += inner
    return found


def called(expression: ast.expr) -> ast.expr:
    """Return f for `f`, `f(...)` and `f(...)(...)`."""
    while isinstance(expression, ast.Call):
        expression = expression.func
    return expression


def path_of(expression: ast.expr) -> list[str]:
    """Return ["a", "b"] for `a.b`, also inside `a.b[0]`; empty where it begins with no name."""
    path: list[str] = []
    while isinstance(expression, ast.Attribute | ast.Subscript):
        if isinstance(expression, ast.Attribute):
            path.append(expression.attr)
        expression = expression.value
    return [expression.id, *reversed(path)] if isinstance(expression, ast.Name) else []


def branches_of(statement: ast.If) -> tuple[list[list[ast.stmt]], bool]:
    """The branches of an `if` with all its `elif`s; and whether one of them is always taken."""
    branches = [statement.body]
    while len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If):
        statement = statement.orelse[0]
        branches.append(statement.body)
    return ([*branches, statement.orelse], True) if statement.orelse else (branches, False)


def names_assigned_in(body: Sequence[ast.stmt]) -> set[str]:
    """The variables that some statement of the body gives a value."""
    targets: list[ast.AST] = []
    for statement in statements_in(body):
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
            targets.append(statement.target)
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def names_captured_by(pattern: ast.pattern) -> list[str]:
    """The variables that a pattern binds."""
    names = [getattr(node, "name", None) or getattr(node, "rest", None) for node in ast.walk(pattern)]
    return [name for name in names if isinstance(name, str)]


def parameters_of(arguments: ast.arguments) -> list[str]:
    """The names of a function's parameters."""
    some = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    rest = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [one.arg for one in (*some, *rest)]


def lines_of(statement: ast.stmt) -> tuple[int, int]:
    """The first and the last line of a statement."""
    return statement.lineno, statement.end_lineno or statement.lineno
