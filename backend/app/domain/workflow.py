"""What a project's source says about its agents: the nodes of the workflow."""

from dataclasses import dataclass

from backend.app.domain.source import LINE
from backend.app.domain.workflow_reader import read_drafts


@dataclass(frozen=True)
class Node:
    """One agent of a workflow.

    Attributes:
        name: the variable it is assigned to.
        handoffs: the names it hands off to, as written, each once.
        tools: the names of its tools, as written, each once; the variable of an agent used as a tool.
    """

    name: str
    handoffs: tuple[str, ...]
    tools: tuple[str, ...]


def find_nodes(code: str) -> tuple[Node, ...]:
    """Return the agents of a source, in the order of their (last) assignments, at most MAX_NODES.

    Raises:
        InvalidSourceError: see `parse_source`.
    """
    drafts = read_drafts(code)
    return tuple(Node(name, draft.parts["handoffs"], draft.parts["tools"]) for name, draft in drafts.items())


def node_source(code: str, name: str) -> str | None:
    """Return the lines that define one agent, or None if there is no such agent.

    They are the statement that assigns it and the later statements of the same block that change its
    handoffs or tools. The lines keep their indentation; the last one has no line end.

    Raises:
        InvalidSourceError: see `parse_source`.
    """
    draft = read_drafts(code).get(name)
    if draft is None:
        return None
    lines = LINE.findall(code)
    # A dict, because statements that are joined by semicolons share their line.
    numbers = dict.fromkeys(number for first, last in draft.lines for number in range(first, last + 1))
    return "".join(lines[number - 1] for number in numbers).rstrip("\r\n")
