"""Reading and changing a workflow file by the positions of its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


class CannotEditError(Exception):
    """The code has a shape that a rule cannot change. The message is for the user."""


@dataclass(frozen=True)
class AgentDef:
    """One agent of the file: its variable, its name, its call and the statements that hold it."""

    var: str
    name: str
    call: ast.Call
    assign: ast.stmt
    top: ast.stmt

    def keyword(self, name: str) -> ast.expr | None:
        """Find the value of a keyword argument.

        Args:
            name: The keyword.

        Returns:
            Its expression, or None when it is not given.
        """
        return next((word.value for word in self.call.keywords if word.arg == name), None)


class Module:
    """A parsed workflow file.

    Args:
        code: Python source with `\\n` line ends.

    Raises:
        SyntaxError: the code is not Python.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        try:
            self.tree = ast.parse(code)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from error
        self._lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", code)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        """Find a place in the text. Columns of the syntax tree count bytes, not characters.

        Args:
            line: Line, from 1.
            column: Column in UTF-8 bytes, from 0.

        Returns:
            Index in `code`.
        """
        text = self._lines[line - 1]
        return self._starts[line - 1] + len(text.encode()[:column].decode(errors="replace"))

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.alias) -> tuple[int, int]:
        """Find where a node begins and ends.

        Args:
            node: A node of `tree`.

        Returns:
            Two indexes in `code`.
        """
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """Read the source of a node.

        Args:
            node: A node of `tree`.

        Returns:
            Its text.
        """
        start, end = self.span(node)
        return self.code[start:end]

    def line_end(self, node: ast.stmt) -> int:
        """Find the end of a statement's last line, comment included.

        Args:
            node: A statement of `tree`.

        Returns:
            Index of the line's end, before its newline.
        """
        end = self.code.find("\n", self.span(node)[1])
        return len(self.code) if end < 0 else end

    @cached_property
    def agents(self) -> list[AgentDef]:
        """The agents in the order of the file."""
        found = [agent for top in self.tree.body for agent in self._agents_in(top)]
        return sorted(found, key=lambda agent: agent.assign.lineno)

    @cached_property
    def names(self) -> set[str]:
        """Every name the file uses, so that a new one does not hide it."""
        used = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                used.add(node.name)
            elif isinstance(node, ast.alias):
                used.add((node.asname or node.name).split(".")[0])
        return used

    def agent(self, var: str) -> AgentDef:
        """Find an agent by its variable.

        Args:
            var: The variable's name.

        Returns:
            The agent.

        Raises:
            CannotEditError: there is no such agent.
        """
        for agent in self.agents:
            if agent.var == var:
                return agent
        raise CannotEditError(f"I do not see an agent {var} in the code.")

    def local_name(self, name: str) -> str | None:
        """Tell how the file refers to something of the Agents SDK.

        Args:
            name: Its name in the SDK, such as `Agent`.

        Returns:
            The name to write, or None when it is not imported.
        """
        found = None
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module == "agents":
                for alias in node.names:
                    if alias.name in (name, "*"):
                        return alias.asname or name
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name == "agents":
                        found = f"{alias.asname or 'agents'}.{name}"
        return found

    @cached_property
    def _agent_class(self) -> str | None:
        return self.local_name("Agent")

    def _agents_in(self, top: ast.stmt) -> Iterator[AgentDef]:
        for node in ast.walk(top):
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(targets[0], ast.Name) and self._makes_an_agent(node.value):
                yield AgentDef(targets[0].id, _name_of(node.value) or targets[0].id, node.value, node, top)

    def _makes_an_agent(self, call: ast.Call) -> bool:
        made = call.func.value if isinstance(call.func, ast.Subscript) else call.func
        if isinstance(made, ast.Attribute):
            return made.attr == "Agent"
        return isinstance(made, ast.Name) and made.id in {"Agent", self._agent_class}


def _name_of(call: ast.Call) -> str | None:
    given = [word.value for word in call.keywords if word.arg == "name"] or call.args[:1]
    for value in given:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return None
