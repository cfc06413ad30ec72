"""Which names of a source are the Agents SDK's: its modules, its classes of agents, and what wraps agents."""

import ast
from dataclasses import dataclass, field

from backend.app.domain.projects.workflow.reflection import REFLECTIVE
from backend.app.domain.projects.workflow.syntax import called, path_of, statements_in
from backend.app.domain.projects.workflow.values import PARTS

_SDK = "agents"
# Calls that wrap what they are given: the drawing shows the agent or the function inside.
_WRAPPERS = frozenset({"handoff", "realtime_handoff", "function_tool"})
# Of Python's own: calls that make an agent of another, or of a class.
PARTIAL, REPLACE, COPY, DEEP_COPY = "functools.partial", "dataclasses.replace", "copy.copy", "copy.deepcopy"
_COPIERS = {PARTIAL: PARTIAL, REPLACE: REPLACE, "copy.replace": REPLACE, COPY: COPY, DEEP_COPY: DEEP_COPY}
_COPIER_MODULES = frozenset(name.partition(".")[0] for name in _COPIERS)
# A class of agents that defines one of these may give its agents other lists than they are given.
_HARMLESS_METHODS = frozenset({"__repr__", "__str__", "__hash__", "__eq__", "__doc__", "__annotations__", "__slots__"})
_PLAIN_BASES = frozenset({"Generic", "ABC", "Protocol"})


@dataclass
class SdkNames:
    """The names that come from the SDK, as the imports and classes of a source say.

    Attributes:
        agent_classes: names that are classes of agents. `Agent` is one until something else takes the name.
        wrappers: names of calls that wrap an agent or a function.
        others: other names that come from the SDK, above all its modules.
        computed_classes: those of the agent classes whose agents may have other lists than they are given.
        origins: names that come from the modules of Python that copy objects, and where they come from.
    """

    agent_classes: set[str] = field(default_factory=lambda: {"Agent"})
    wrappers: set[str] = field(default_factory=lambda: set(_WRAPPERS))
    others: set[str] = field(default_factory=set)
    computed_classes: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)
    imports_all: bool = False

    def take_import(self, statement: ast.Import) -> list[str]:
        """Take in `import a.b as c`; returns the names that it binds."""
        bound = [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
        for alias, name in zip(statement.names, bound, strict=True):
            self.forget(name)
            if alias.name.partition(".")[0] == _SDK:
                self.others.add(name)
            elif alias.name in _COPIER_MODULES:
                self.origins[name] = alias.name
        return bound

    def take_import_from(self, statement: ast.ImportFrom) -> list[str]:
        """Take in `from a import b as c`; returns the names that it binds."""
        from_sdk = (statement.module or "").partition(".")[0] == _SDK and statement.level == 0
        bound = [alias.asname or alias.name for alias in statement.names]
        for alias, name in zip(statement.names, bound, strict=True):
            self.forget(name)
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

    def take_class(self, statement: ast.ClassDef) -> None:
        """Take in a class: one that inherits from an agent's is an agent's too."""
        is_agent = any(self.is_agent_class(base) for base in statement.bases)
        is_plain = not is_agent or self._is_plain(statement)
        self.forget(statement.name)
        if is_agent:
            self.agent_classes.add(statement.name)
        if not is_plain:
            self.computed_classes.add(statement.name)

    def _is_plain(self, statement: ast.ClassDef) -> bool:
        """Whether agents of the class have the lists that they are given: nothing in it touches these."""
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
        """Which of PARTIAL, REPLACE, COPY and DEEP_COPY the path leads to; None where to none of them."""
        return _COPIERS.get(".".join([self.origins[path[0]], *path[1:]])) if path and path[0] in self.origins else None

    def forget(self, name: str) -> None:
        """Note that something else has the name now."""
        for names in (self.agent_classes, self.wrappers, self.others, self.computed_classes):
            names.discard(name)
        self.origins.pop(name, None)

    def is_agent_class(self, expression: ast.expr) -> bool:
        """Whether the expression names a class of agents."""
        while isinstance(expression, ast.Subscript):  # Agent[Context]
            expression = expression.value
        if isinstance(expression, ast.Name):
            name = expression.id
            return name in self.agent_classes or (self.imports_all and name.endswith("Agent"))
        path = path_of(expression)
        return len(path) > 1 and path[0] in self.others and path[-1].endswith("Agent")

    def is_wrapper(self, path: list[str]) -> bool:
        """Whether a call of that path wraps its first argument."""
        if len(path) > 1 and path[0] in self.others:
            return path[-1] in _WRAPPERS
        return len(path) == 1 and path[0] in self.wrappers

    def name_of(self, path: list[str]) -> str:
        """The path as it is shown: without the SDK's module."""
        return path[-1] if path[0] in self.others else ".".join(path)

    def makes_agents(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Whether a function returns an agent that it makes: each of its returns does, or its annotation says so."""
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
    """Whether what is in a class of agents may concern the agents' lists."""
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
