"""Which names of a source are the Agents SDK's: its modules, its classes of agents, and what wraps agents."""

import ast
from dataclasses import dataclass, field

from backend.app.domain.workflow_syntax import path_of, statements_in

_SDK = "agents"
# Calls that wrap what they are given: the drawing shows the agent or the function inside.
_WRAPPERS = frozenset({"handoff", "realtime_handoff", "function_tool"})


@dataclass
class SdkNames:
    """The names that come from the SDK, as the imports and classes of a source say.

    Attributes:
        agent_classes: names that are classes of agents. `Agent` is one until something else takes the name.
        wrappers: names of calls that wrap an agent or a function.
        others: other names that come from the SDK, above all its modules.
    """

    agent_classes: set[str] = field(default_factory=lambda: {"Agent"})
    wrappers: set[str] = field(default_factory=lambda: set(_WRAPPERS))
    others: set[str] = field(default_factory=set)
    imports_all: bool = False

    def take_import(self, statement: ast.Import) -> list[str]:
        """Take in `import a.b as c`; returns the names that it binds."""
        bound = [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
        for alias, name in zip(statement.names, bound, strict=True):
            self.forget(name)
            if alias.name.partition(".")[0] == _SDK:
                self.others.add(name)
        return bound

    def take_import_from(self, statement: ast.ImportFrom) -> list[str]:
        """Take in `from a import b as c`; returns the names that it binds."""
        from_sdk = (statement.module or "").partition(".")[0] == _SDK and statement.level == 0
        bound = [alias.asname or alias.name for alias in statement.names]
        for alias, name in zip(statement.names, bound, strict=True):
            self.forget(name)
            if not from_sdk:
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
        self.forget(statement.name)
        if is_agent:
            self.agent_classes.add(statement.name)

    def forget(self, name: str) -> None:
        """Note that something else has the name now."""
        for names in (self.agent_classes, self.wrappers, self.others):
            names.discard(name)

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
        if isinstance(function, ast.AsyncFunctionDef) or function.decorator_list:
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
