"""Queries on the syntax tree that need no values."""

import ast
from collections.abc import Sequence

# Built-in functions that return a new list of their argument's items, and others that do not change it.
COPIES = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed"})
READERS = frozenset(
    {"all", "any", "enumerate", "isinstance", "iter", "len", "next", "print", "repr", "str", "type", "zip"}
)


def statements_in(statements: Sequence[ast.stmt]) -> list[ast.AST]:
    """The statements, and those in their blocks, but not in functions and classes that they define."""
    found: list[ast.AST] = list(statements)
    for node in found:  # grows during the loop
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


def without_getattr(expression: ast.expr) -> ast.expr:
    """Return `x.a` for `getattr(x, "a")`, `x.__dict__` for `vars(x)`, anything else unchanged."""
    match expression:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_], keywords=[]):
            return ast.copy_location(ast.Attribute(owner, name, ast.Load()), expression)
        case ast.Call(func=ast.Name(id="vars"), args=[owner], keywords=[]):
            return ast.copy_location(ast.Attribute(owner, "__dict__", ast.Load()), expression)
    return expression


def is_dotted(expression: ast.expr) -> bool:
    """Whether the expression is a name, or a path of names: `a.b`."""
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    return isinstance(expression, ast.Name)


def path_of(expression: ast.expr) -> list[str]:
    """Return ["a", "b"] for `a.b`, also inside `a.b[0]`; empty where it does not start with a name."""
    path: list[str] = []
    while isinstance(expression, ast.Attribute | ast.Subscript):
        if isinstance(expression, ast.Attribute):
            path.append(expression.attr)
        expression = expression.value
    return [expression.id, *reversed(path)] if isinstance(expression, ast.Name) else []


def branches_of(statement: ast.If) -> tuple[list[ast.expr], list[list[ast.stmt]], bool]:
    """The tests and the branches of an `if` with all its `elif`s; and whether one of the branches is always taken."""
    tests, branches = [statement.test], [statement.body]
    while len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If):
        statement = statement.orelse[0]
        tests.append(statement.test)
        branches.append(statement.body)
    return (tests, [*branches, statement.orelse], True) if statement.orelse else (tests, branches, False)


def names_assigned_in(body: Sequence[ast.stmt]) -> set[str]:
    """The variables that the statements assign."""
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
