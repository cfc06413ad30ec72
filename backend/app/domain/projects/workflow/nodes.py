"""The agents of a source by variable, as the nodes of the workflow."""

import ast
from collections.abc import Iterable

from backend.app.domain.projects.node_name import is_node_name
from backend.app.domain.projects.workflow.lists import is_certain
from backend.app.domain.projects.workflow.syntax import lines_of
from backend.app.domain.projects.workflow.values import MAX_OPTIONS, AgentDefinition, Guard, Value, options_of


class Nodes:
    """Names agents after their variables, and keeps the agents that each variable may have at the end.

    Attributes:
        definitions: the agents by variable; several where it may be any of them.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, list[AgentDefinition]] = {}

    def name(self, name: str, value: Value, statement: ast.stmt, *, block: int, function: int, guard: Guard) -> None:
        """Name those agents of a value that have no variable yet.

        Args:
            name: the variable.
            value: its new value.
            statement: the assignment.
            block: the block of the assignment.
            function: the function of the assignment; 0 for the module.
            guard: the guard of the assignment.
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
            # Two variables of the same name: the last one in the source is shown.
            if before[-1].position > position:
                return
            before = []
        # Choices of more options are unknown anyway.
        kept = [one for one in before[-MAX_OPTIONS:] if not is_certain(guard, one.guard)]
        self.definitions.pop(name, None)
        self.definitions[name] = [*kept, *fresh]

    def finish(self, unfollowed: Iterable[str]) -> None:
        """Mark the remaining agents as shown, and the unfollowed parts of all of them as unknown."""
        for definition in (definition for definitions in self.definitions.values() for definition in definitions):
            definition.is_shown = True
            for part in unfollowed:
                definition.parts[part].known = False
