"""Tracks which names of a source are the Agents SDK's: modules, agent classes, wrappers of agents."""

import ast
from dataclasses import dataclass, field

from backend.app.domain.projects.workflow.reflection import REFLECTIVE
from backend.app.domain.projects.workflow.syntax import called, path_of, statements_in
from backend.app.domain.projects.workflow.values import PARTS

_SDK = "agents"
# Functions that wrap their argument: the node shows the agent or function inside.
_WRAPPERS = frozenset({"handoff", "realtime_handoff", "function_tool"})
# Functions of the standard library that make an agent from another, or from a class.
PARTIAL, REPLACE, COPY, DEEP_COPY = "functools.partial", "dataclasses.replace", "copy.copy", "copy.deepcopy"
_COPIERS = {PARTIAL: PARTIAL, REPLACE: REPLACE, "copy.replace": REPLACE, COPY: COPY, DEEP_COPY: DEEP_COPY}
_COPIER_MODULES = frozenset(name.partition(".")[0] for name in _COPIERS)
# An agent class that defines a dunder name other than these may change the lists that its agents are given.
_HARMLESS_METHODS = frozenset({"__repr__", "__str__", "__hash__", "__eq__", "__doc__", "__annotations__", "__slots__"})
_PLAIN_BASES = frozenset({"Generic", "ABC", "Protocol"})


@dataclass
class SdkNames:
    """The names of the SDK, from the imports and classes of a source.

    Attributes:
        agent_classes: names of agent classes. `Agent` is one until it is assigned something else.
        wrappers: names of functions that wrap an agent or a function.
        others: other names of the SDK, mainly modules.
        computed_classes: agent classes whose agents may have other lists than they are given.
        origins: imported names of the standard library's functions that copy objects, with their full paths.
    """

    agent_classes: set[str] = field(default_factory=lambda: {"Agent"})
    wrappers: set[str] = field(default_factory=lambda: set(_WRAPPERS))
    others: set[str] = field(default_factory=set)
    computed_classes: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)
    imports_all: bool = False

    def read_import(self, statement: ast.Import) -> list[str]:
        """Read `import a.b as c`. Returns the names that it binds."""
        bound = [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
        for alias, name in zip(statement.names, bound, strict=True):
            self.release(name)
            if alias.name.partition(".")[0] == _SDK:
                self.others.add(name)
            elif alias.name in _COPIER_MODULES:
                self.origins[name] = alias.name
        return bound

    def read_import_from(self, statement: ast.ImportFrom) -> list[str]:
        """Read `from a import b as c`. Returns the names that it binds."""
        from_sdk = (statement.module or "").partition(".")[0] == _SDK and statement.level == 0
        bound = [alias.asname or alias.name for alias in statement.names]
        for alias, name in zip(statement.names, bound, strict=True):
            self.release(name)
            if not from_sdk:
                if statement.module in _COPIER_MODULES and statement.level == 0:
                    self.origins[name] = f"{statement.module}.{alias.name}"
                continue
            if alias.name == "*":
                self.imports_all = True
            elif alias.name.endswith("Agent"):
                self.agent_classes.add(name)
            elif alias.name in _WRAPPERS:
                self.wrappers.add(name)
            else:
                self.others.add(name)
        return bound

    def read_class(self, statement: ast.ClassDef) -> None:
        """Read a class definition: a subclass of an agent class is one, too."""
        is_agent = any(self.is_agent_class(base) for base in statement.bases)
        is_plain = not is_agent or self._is_plain(statement)
        self.release(statement.name)
        if is_agent:
            self.agent_classes.add(statement.name)
        if not is_plain:
            self.computed_classes.add(statement.name)

    def _is_plain(self, statement: ast.ClassDef) -> bool:
        """Whether agents of the class have the lists that they are given: nothing in the class changes them."""
        bases = [path_of(base)[-1:] for base in statement.bases if not self.is_agent_class(base)]
        if statement.keywords or any(not base or base[0] not in _PLAIN_BASES for base in bases):
            return False
        if any(path_of(called(one))[-1:] != ["dataclass"] for one in statement.decorator_list):
            return False
        if any(self.is_computed(base) for base in statement.bases):
            return False
        return not any(_touches_lists(node) for one in statement.body for node in ast.walk(one))

    def is_computed(self, expression: ast.expr) -> bool:
        """Whether the expression names a class whose agents may have other lists than they are given."""
        while isinstance(expression, ast.Subscript):
            expression = expression.value
        return isinstance(expression, ast.Name) and expression.id in self.computed_classes

    def copier(self, path: list[str]) -> str | None:
        """Which of PARTIAL, REPLACE, COPY and DEEP_COPY the path names; None for any other function."""
        return _COPIERS.get(".".join([self.origins[path[0]], *path[1:]])) if path and path[0] in self.origins else None

    def release(self, name: str) -> None:
        """Note that the name is assigned something else now."""
        for names in (self.agent_classes, self.wrappers, self.others, self.computed_classes):
            names.discard(name)
        self.origins.pop(name, None)

    def is_agent_class(self, expression: ast.expr) -> bool:
        """Whether the expression names an agent class."""
        while isinstance(expression, ast.Subscript):  # Agent[Context]
            expression = expression.value
        if isinstance(expression, ast.Name):
            name = expression.id
            return name in self.agent_classes or (self.imports_all and name.endswith("Agent"))
        path = path_of(expression)
        return len(path) > 1 and path[0] in self.others and path[-1].endswith("Agent")

    def is_wrapper(self, path: list[str]) -> bool:
        """Whether the function of that path wraps its first argument."""
        if len(path) > 1 and path[0] in self.others:
            return path[-1] in _WRAPPERS
        return len(path) == 1 and path[0] in self.wrappers

    def name_of(self, path: list[str]) -> str:
        """The path for display, without the SDK's module."""
        return path[-1] if path[0] in self.others else ".".join(path)

    def makes_agents(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Whether a function returns a new agent: all its returns do, or its annotation says so."""
        wrappers = [path_of(called(one)) for one in function.decorator_list]
        if isinstance(function, ast.AsyncFunctionDef) or any(path and self.is_wrapper(path) for path in wrappers):
            return False
        if function.returns is not None and self.is_agent_class(function.returns):
            return True
        made: set[str] = set()
        returned: list[bool] = []
        for statement in statements_in(function.body):
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)) if self.is_agent_class(func):
                    made.add(name)
                case ast.Return(value=ast.Name(id=name)):
                    returned.append(name in made)
                case ast.Return(value=ast.Call(func=func)):
                    returned.append(self.is_agent_class(func))
                case ast.Return():
                    returned.append(False)
        return bool(returned) and all(returned)


def _touches_lists(node: ast.AST) -> bool:
    """Whether a node of an agent class may change the lists of its agents."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
            is_special = name.startswith("__") and name not in _HARMLESS_METHODS
            return name in PARTS or is_special
        case ast.Attribute(attr=name):
            return name in PARTS or name in REFLECTIVE
        case ast.Name(id=name):
            return name in REFLECTIVE
        case ast.Constant(value=str(text)):
            return text in PARTS
    return False
