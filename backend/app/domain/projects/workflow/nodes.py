"""The agents that the reader found, by the variables that the drawing shows them under."""

import ast
from collections.abc import Iterable

from backend.app.domain.projects.node_name import is_node_name
from backend.app.domain.projects.workflow.lists import is_certain
from backend.app.domain.projects.workflow.syntax import lines_of
from backend.app.domain.projects.workflow.values import MAX_OPTIONS, AgentDefinition, Guard, Value, options_of


class Nodes:
    """Names agents, and keeps for each variable those that it may hold in the end.

    Attributes:
        definitions: the agents, by their variable; several where it may hold one or another.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, list[AgentDefinition]] = {}

    def name(self, name: str, value: Value, statement: ast.stmt, *, block: int, function: int, guard: Guard) -> None:
        """Name the agents of a value that have no variable yet.

        Args:
            name: the variable.
            value: what it holds from now on.
            statement: the one that says so.
            block: of that statement.
            function: which it is in; 0 for the module.
            guard: where in it.
        """
        fresh = [one for one in options_of(value) if isinstance(one, AgentDefinition) and one.name is None]
        if not fresh or not is_node_name(name):
            return
        position = statement.lineno, statement.col_offset
        for definition in fresh:
            definition.name, definition.block, definition.position = name, block, position
            definition.lines.append(lines_of(statement))
        before = self.definitions.get(name, [])
        if before and before[-1].scope != function:
            # Two variables of the same name: the one that comes last in the source is shown.
            if before[-1].position > position:
                return
            before = []
        # Of more than these nothing is said anyway.
        kept = [one for one in before[-MAX_OPTIONS:] if not is_certain(guard, one.guard)]
        self.definitions.pop(name, None)
        self.definitions[name] = [*kept, *fresh]

    def finish(self, unfollowed: Iterable[str]) -> None:
        """Say which agents are shown, and of none of them that these parts are known."""
        for definition in (definition for definitions in self.definitions.values() for definition in definitions):
            definition.is_shown = True
            for part in unfollowed:
                definition.parts[part].known = False
