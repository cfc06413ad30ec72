"""Finds the agents in a syntax tree, statement after statement."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from backend.app.domain.node_name import is_node_name
from backend.app.domain.source import parse_source

MAX_NAMES = 50

_SDK = "agents"
_PARTS = ("handoffs", "tools")
# Calls that wrap what they are given: the drawing shows the agent or the function inside.
_WRAPPERS = frozenset({"handoff", "realtime_handoff", "function_tool"})
_WRAPPED_KEYWORDS = frozenset({"agent", "func"})
_WRAPPER_METHODS = frozenset({"as_tool", "clone"})
_ARGUMENT_OF = {"append": 0, "extend": 0, "insert": 1}
_BLOCK_PARTS = (ast.stmt, ast.excepthandler, ast.match_case)


@dataclass
class Draft:
    """An agent while the source is read: its lines, and the block of statements it is assigned in."""

    block: int
    parts: dict[str, tuple[str, ...]]
    lines: list[tuple[int, int]]


def read_drafts(code: str) -> dict[str, Draft]:
    """The agents of a source by their variable. Raises InvalidSourceError."""
    reader = WorkflowReader()
    for statement, block in _statements(parse_source(code)):
        reader.read(statement, block)
    return reader.drafts


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, int]]:
    """Yield every statement in source order with the number of its block, without recursion."""
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    blocks = 0
    while stack:
        node, block = stack.pop()
        if isinstance(node, ast.stmt):
            yield node, block
        inner: list[tuple[ast.AST, int]] = []
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], _BLOCK_PARTS):
                blocks += 1
                inner += [(child, blocks) for child in value]
        stack.extend(reversed(inner))


@dataclass
class WorkflowReader:
    """Collects the agents, statement after statement.

    Attributes:
        agent_classes: names that are classes of agents. `Agent` is one until something else takes the name.
        wrappers: names of calls that wrap an agent or a function.
        sdk_names: other names that come from the SDK, above all its modules.
        lists: variables that hold a list of names.
        drafts: the agents, by their variable.
    """

    agent_classes: set[str] = field(default_factory=lambda: {"Agent"})
    wrappers: set[str] = field(default_factory=lambda: set(_WRAPPERS))
    sdk_names: set[str] = field(default_factory=set)
    imports_all: bool = False
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)

    def read(self, statement: ast.stmt, block: int) -> None:
        """Take in one statement; `block` is the number of the block it stands in."""
        match statement:
            case ast.Import():
                self._import(statement)
            case ast.ImportFrom():
                self._import_from(statement)
            case ast.ClassDef():
                self._class(statement)
            case ast.Assign():
                # More targets than this name nothing, and each would read the value again.
                for target in statement.targets[:MAX_NAMES]:
                    self._assign(target, statement.value, statement, block)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(statement.target, value, statement, block)
            case ast.AugAssign(op=ast.Add(), target=ast.Attribute()):
                self._change(statement.target, self._names(statement.value), statement, block, keep=True)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Attribute())) as call):
                self._call(call, statement, block)

    def _import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            root = alias.name.partition(".")[0]
            bound = alias.asname or root
            if root == _SDK:
                self.sdk_names.add(bound)
            else:
                self.sdk_names.discard(bound)

    def _import_from(self, statement: ast.ImportFrom) -> None:
        module = (statement.module or "").partition(".")[0]
        from_sdk = module == _SDK and statement.level == 0
        for alias in statement.names:
            bound = alias.asname or alias.name
            for names in (self.agent_classes, self.sdk_names):
                names.discard(bound)
            if not from_sdk:
                continue
            if alias.name == "*":
                self.imports_all = True
            elif alias.name.endswith("Agent"):
                self.agent_classes.add(bound)
            elif alias.name in _WRAPPERS:
                self.wrappers.add(bound)
            else:
                self.sdk_names.add(bound)

    def _class(self, statement: ast.ClassDef) -> None:
        if any(self._is_agent_class(base) for base in statement.bases):
            self.agent_classes.add(statement.name)
        else:
            self.agent_classes.discard(statement.name)

    def _is_agent_class(self, expression: ast.expr) -> bool:
        while isinstance(expression, ast.Subscript):  # Agent[Context]
            expression = expression.value
        if isinstance(expression, ast.Name):
            name = expression.id
            return name in self.agent_classes or (self.imports_all and name.endswith("Agent"))
        path = _path(expression)
        return len(path) > 1 and path[0] in self.sdk_names and path[-1].endswith("Agent")

    def _assign(self, target: ast.expr, value: ast.expr, statement: ast.stmt, block: int) -> None:
        pairs = [(target, value)]
        while pairs:
            target, value = pairs.pop()
            match target, value:
                case ast.Name(), _:
                    self._name(target.id, value, statement, block)
                case ast.Attribute(), _:
                    self._change(target, self._names(value), statement, block, keep=False)
                case ast.Tuple() | ast.List(), ast.Tuple() | ast.List() if len(target.elts) == len(value.elts):
                    pairs.extend(reversed(list(zip(target.elts, value.elts, strict=True))))

    def _name(self, name: str, value: ast.expr, statement: ast.stmt, block: int) -> None:
        parts = self._parts(value)
        if parts is None:
            if isinstance(value, ast.List | ast.Tuple):
                self.lists[name] = self._names(value)
            return
        self.drafts.pop(name, None)
        if is_node_name(name):
            self.drafts[name] = Draft(block, parts, [_lines(statement)])

    def _parts(self, value: ast.expr) -> dict[str, tuple[str, ...]] | None:
        """Return the handoffs and tools that a value has as an agent, or None if it is no agent."""
        calls: list[ast.Call] = []
        while isinstance(value, ast.Call):
            calls.append(value)
            if not isinstance(value.func, ast.Attribute) or value.func.attr != "clone":
                break
            value = value.func.value
        parts: dict[str, tuple[str, ...]] = dict.fromkeys(_PARTS, ())
        if isinstance(value, ast.Name):
            original = self.drafts.get(value.id)
            if original is None or not calls:
                return None
            parts.update(original.parts)
        elif not isinstance(value, ast.Call) or not self._is_agent_class(value.func):
            return None
        for call in reversed(calls):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            parts.update({part: self._names(given[part]) for part in _PARTS if part in given})
        return parts

    def _call(self, call: ast.Call, statement: ast.stmt, block: int) -> None:
        """Take in `x.handoffs.append(y)` and its like."""
        method = call.func
        if not isinstance(method, ast.Attribute) or method.attr not in _ARGUMENT_OF:
            return
        arguments = call.args[_ARGUMENT_OF[method.attr] :]
        if arguments:
            self._change(method.value, self._names(arguments[0]), statement, block, keep=True)

    def _change(self, target: ast.expr, names: tuple[str, ...], statement: ast.stmt, block: int, *, keep: bool) -> None:
        """Give `x.handoffs` or `x.tools` new names, after those it has if they are to be kept."""
        if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
            return
        draft = self.drafts.get(target.value.id)
        if draft is None or target.attr not in _PARTS:
            return
        draft.parts[target.attr] = _distinct([*draft.parts[target.attr], *names] if keep else names)
        if draft.block == block:
            draft.lines.append(_lines(statement))

    def _names(self, expression: ast.expr) -> tuple[str, ...]:
        """Return the names in a list of handoffs or tools; a single element is a list of one."""
        names: list[str] = []
        stack = [expression]
        while stack and len(names) < 2 * MAX_NAMES:
            node = stack.pop()
            match node:
                case ast.List() | ast.Tuple() | ast.Set():
                    stack.extend(reversed(node.elts))
                case ast.Starred() | ast.NamedExpr():
                    stack.append(node.value)
                case ast.BinOp(op=ast.Add()):
                    stack += [node.right, node.left]
                case ast.IfExp():
                    stack += [node.orelse, node.body]
                case ast.Call() if (wrapped := self._wrapped(node)) is not None:
                    stack.append(wrapped)
                case ast.Call() | ast.Name() | ast.Attribute() | ast.Subscript():
                    names += self._written(node)
        return _distinct(names)

    def _wrapped(self, call: ast.Call) -> ast.expr | None:
        """Return x for `handoff(x)` and `x.as_tool(...)`, None for another call."""
        function = _called(call)
        if isinstance(function, ast.Attribute) and function.attr in _WRAPPER_METHODS:
            return function.value
        path = _path(function)
        is_wrapper = path and (path[-1] if path[0] in self.sdk_names else ".".join(path)) in self.wrappers
        if not is_wrapper:
            return None
        given = [keyword.value for keyword in call.keywords if keyword.arg in _WRAPPED_KEYWORDS]
        return next(iter([*call.args, *given]), None)

    def _written(self, node: ast.expr) -> tuple[str, ...]:
        """Return the name of a node as written, without the SDK's module, or the names of a known list."""
        path = _path(_called(node))
        if isinstance(node, ast.Name) and node.id in self.lists:
            return self.lists[node.id]
        if len(path) == 2 and path[0] in self.drafts and path[1] in _PARTS:
            return self.drafts[path[0]].parts[path[1]]
        name = path[-1] if path and path[0] in self.sdk_names else ".".join(path)
        return (name,) if is_node_name(name) else ()


def _called(expression: ast.expr) -> ast.expr:
    """Return f for `f`, `f(...)` and `f(...)(...)`."""
    while isinstance(expression, ast.Call):
        expression = expression.func
    return expression


def _path(expression: ast.expr) -> list[str]:
    """Return ["a", "b"] for `a.b`, also inside `a[0].b`; empty where it begins with no name."""
    path: list[str] = []
    while isinstance(expression, ast.Attribute | ast.Subscript):
        if isinstance(expression, ast.Attribute):
            path.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return []
    return [expression.id, *reversed(path)]


def _distinct(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:MAX_NAMES]


def _lines(statement: ast.stmt) -> tuple[int, int]:
    return statement.lineno, statement.end_lineno or statement.lineno
