"""Reads the nodes of a workflow, its agents, from a project's source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.app.domain.projects.node_name import is_node_name
from backend.app.domain.projects.source import LINE
from backend.app.domain.projects.workflow.lists import as_list
from backend.app.domain.projects.workflow.reader import read_agent_definitions
from backend.app.domain.projects.workflow.values import (
    MAX_NAMES,
    PARTS,
    AgentDefinition,
    ListValue,
    Named,
    Value,
    either,
    objects_of,
)

# About as many as a user can overlook in a drawing; a generated source could have a hundred thousand.
MAX_NODES = 200
# The size of a project's nodes as JSON. Their names alone, of 200 bytes each, always fit.
MAX_NODES_BYTES = 64_000
# The size of the JSON of a node without its names, and of the quotes and comma of a name.
_BYTES_PER_NODE = 90
_BYTES_PER_NAME = 3


@dataclass(frozen=True)
class Node:
    """One agent of a workflow.

    Attributes:
        name: the variable that it is assigned to.
        handoffs: the names that it hands off to, as written, without duplicates.
        tools: the names of its tools, as written, without duplicates; for an agent used as a tool, its variable.
        handoffs_known: whether `handoffs` is complete; False where the source computes them, or some were cut.
        tools_known: whether `tools` is complete.
    """

    name: str
    handoffs: tuple[str, ...]
    tools: tuple[str, ...]
    handoffs_known: bool = True
    tools_known: bool = True


@dataclass(frozen=True)
class Workflow:
    """The agents of a source, in the order of their last assignments; `truncated` where there were too many."""

    nodes: tuple[Node, ...]
    truncated: bool = False


NO_WORKFLOW = Workflow(())


def read_workflow(code: str) -> Workflow:
    """Return the agents of a source, bounded by `bounded_workflow`.

    Raises:
        InvalidSourceError: see `parse_source`.
    """
    return bounded_workflow([_node(name, definitions) for name, definitions in read_agent_definitions(code).items()])


def _node(name: str, definitions: Sequence[AgentDefinition]) -> Node:
    """Return the node of a variable, which may be any of the agents."""
    found: dict[str, tuple[tuple[str, ...], bool]] = {}
    for part in PARTS:
        values = either([definition.parts[part] for definition in definitions])
        found[part] = _names_in(as_list(values, definitions[-1].guard), part)
    (handoffs, handoffs_known), (tools, tools_known) = found["handoffs"], found["tools"]
    return Node(name, handoffs, tools, handoffs_known, tools_known)


def _names_in(values: ListValue, part: str) -> tuple[tuple[str, ...], bool]:
    """The distinct names in a list of handoffs or tools, and whether these are all."""
    names: dict[str, None] = {}
    known = values.known
    for item in values.items:
        for option in objects_of(item):
            name = _name_of(option, part)
            if name is not None and is_node_name(name) and len(names) < MAX_NAMES:
                names[name] = None
            elif name not in names:
                known = False
    return tuple(names), known


def _name_of(value: Value, part: str) -> str | None:
    if isinstance(value, AgentDefinition):
        return value.name if value.is_shown else None
    if isinstance(value, Named) and (part == "tools" or not value.is_made):
        return value.name
    return None


def bounded_workflow(nodes: Sequence[Node], *, truncated: bool = False) -> Workflow:
    """Return the workflow of these nodes, cut to MAX_NODES and MAX_NODES_BYTES.

    Handoffs and tools are cut first, so that as many agents as possible are kept.

    Args:
        nodes: the agents; those whose names are no valid node ids are left out.
        truncated: whether agents were cut before.
    """
    named = [node for node in nodes if is_node_name(node.name)]
    kept = named[:MAX_NODES]
    room = MAX_NODES_BYTES - sum(_BYTES_PER_NODE + len(node.name.encode()) for node in kept)
    bounded: list[Node] = []
    for node in kept:
        handoffs, room = _fitting(node.handoffs, room)
        tools, room = _fitting(node.tools, room)
        bounded.append(
            replace(
                node,
                handoffs=handoffs,
                tools=tools,
                handoffs_known=node.handoffs_known and len(handoffs) == len(node.handoffs),
                tools_known=node.tools_known and len(tools) == len(node.tools),
            )
        )
    is_cut = len(kept) < len(nodes) or room < 0
    return Workflow(tuple(bounded), truncated or is_cut)


def _fitting(names: Sequence[str], room: int) -> tuple[tuple[str, ...], int]:
    """Return the names that fit into the room, and the room that is left: negative where some were cut."""
    fitting: list[str] = []
    for name in names:
        room -= len(name.encode(errors="surrogatepass")) + _BYTES_PER_NAME
        if room < 0:
            break
        fitting.append(name)
    return tuple(fitting), room


def node_source(code: str, name: str) -> str | None:
    """Return the lines that define one agent, or None if there is no such agent.

    These are the statement that assigns it and the later statements of the same block that change its handoffs or
    tools. The lines keep their indentation; the last one has no line end.

    Raises:
        InvalidSourceError: see `parse_source`.
    """
    definitions = read_agent_definitions(code).get(name)
    if definitions is None:
        return None
    lines = LINE.findall(code)
    # A dict, because statements joined by semicolons share a line.
    numbers = dict.fromkeys(number for first, last in definitions[-1].lines for number in range(first, last + 1))
    return "".join(lines[number - 1] for number in numbers).rstrip("\r\n")
