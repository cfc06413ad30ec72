"""A project's source with the places of its agents, as the domain's reader of workflows finds them."""

import ast
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from backend.app.domain.projects.source import BYTE_ORDER_MARK, LINE, parse_source
from backend.app.domain.projects.workflow.reader import read_agent_definitions

Edit = tuple[int, int, str]


class CannotEditError(Exception):
    """The request cannot be followed; the message, for the person, says why."""


@dataclass(frozen=True)
class AgentCall:
    """An agent that is assigned as `var = Agent(...)`."""

    var: str
    call: ast.Call
    statement: ast.stmt

    def keyword(self, name: str) -> ast.expr | None:
        """The value of a keyword argument, or None."""
        return next((one.value for one in self.call.keywords if one.arg == name), None)

    @property
    def name(self) -> str:
        """Its name, or else its variable."""
        given = self.keyword("name") or next(iter(self.call.args), None)
        return str(given.value) if isinstance(given, ast.Constant) else self.var


class WorkflowSource:
    """A source, parsed. Raises InvalidSourceError."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.tree = parse_source(code)
        start = len(code) - len(code.removeprefix(BYTE_ORDER_MARK))
        self._lines = LINE.findall(code, start)
        self._starts = list(accumulate(map(len, self._lines), initial=start))

    @cached_property
    def agents(self) -> list[AgentCall]:
        """The agents in the order of the file."""
        assigned = {
            (node.lineno, node.col_offset): node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
        }
        places = {var: read[-1].position for var, read in read_agent_definitions(self.code).items()}
        found = [(var, assigned[place]) for var, place in places.items() if place in assigned]
        calls = [AgentCall(var, node.value, node) for var, node in found if isinstance(node.value, ast.Call)]
        return [agent for agent in calls if _names_agents(agent.call.func)]

    @cached_property
    def names(self) -> set[str]:
        """The names in use, so that a new one hides none of them."""
        used = {getattr(node, "id", None) or getattr(node, "name", None) for node in ast.walk(self.tree)}
        renamed = {getattr(node, "asname", None) for node in ast.walk(self.tree)}
        return {name.partition(".")[0] for name in used | renamed if isinstance(name, str)}

    def agent(self, var: str) -> AgentCall:
        """The agent of a variable. Raises CannotEditError where there is none."""
        found = [agent for agent in self.agents if agent.var == var]
        if not found:
            raise CannotEditError(f"There is no agent {var} in the code any more.")
        return found[0]

    def offset(self, line: int, column: int) -> int:
        """The index in `code` of a line, from 1, and a column, which Python counts in bytes."""
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        return self._starts[line - 1] + len(text.encode()[:column].decode(errors="replace"))

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.alias) -> tuple[int, int]:
        """Where a node begins and ends in `code`."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def segment(self, node: ast.expr | ast.keyword) -> str:
        """The source of a node."""
        return self.code[slice(*self.span(node))]

    def line_end(self, node: ast.stmt) -> int:
        """The end of a statement's last line, before the line end."""
        return f"{self.code}\n".index("\n", self.span(node)[1])

    def edited(self, edits: list[Edit]) -> str:
        """The code after edits: start, end and new text of each. None lies within another."""
        code = self.code
        for start, end, text in sorted(edits, reverse=True):
            code = code[:start] + text + code[end:]
        return code

    def sdk_name(self, name: str) -> str | None:
        """How the source writes a name of the Agents SDK; None where it does not import it."""
        nodes = list(ast.walk(self.tree))
        imported = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "agents"]
        aliases = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        found = [one.asname or name for node in imported for one in node.names if one.name in (name, "*")]
        found += [f"{alias.asname or 'agents'}.{name}" for alias in aliases if alias.name == "agents"]
        return found[0] if found else None


def _names_agents(function: ast.expr) -> bool:
    while isinstance(function, ast.Subscript):  # Agent[Context]
        function = function.value
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return str(name).endswith("Agent")
