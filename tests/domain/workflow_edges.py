"""The edges of a workflow in one line, for tests."""

import textwrap

from backend.app.domain.projects.workflow.workflow import Node, read_workflow

HEAD = """
import agents
from agents import Agent, WebSearchTool, function_tool, handoff
from agents import handoff as to

a, b, c = Agent(), Agent(), Agent()
"""
UNKNOWN = "?"


def nodes(code: str) -> dict[str, Node]:
    return {node.name: node for node in read_workflow(HEAD + textwrap.dedent(code)).nodes}


def edges(code: str, name: str = "x") -> str:
    """The handoffs of a node in one line, with a `?` where they are not known to be all."""
    node = nodes(code)[name]
    return " ".join([*node.handoffs, *([] if node.handoffs_known else [UNKNOWN])])


def tools(code: str, name: str) -> str:
    """The same of its tools."""
    node = nodes(code)[name]
    return " ".join([*node.tools, *([] if node.tools_known else [UNKNOWN])])
