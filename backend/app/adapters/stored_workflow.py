"""The nodes of a code version as both engines store them: JSON, next to the code."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backend.app.domain.projects.project import CodeVersion
from backend.app.domain.projects.workflow.workflow import Node, Workflow, bounded_workflow


def stored_workflow(version: CodeVersion) -> dict[str, Any]:
    """The nodes of a code version as JSON fields."""
    return {"nodes": [asdict(node) for node in version.nodes], "nodes_truncated": version.nodes_truncated}


def workflow_of(stored: Mapping[str, Any]) -> Workflow:
    """The nodes of such fields, bounded: nodes stored before the bound existed may be of any size."""
    nodes = [
        Node(
            node["name"],
            tuple(node["handoffs"]),
            tuple(node["tools"]),
            node.get("handoffs_known", True),
            node.get("tools_known", True),
        )
        for node in stored["nodes"]
    ]
    return bounded_workflow(nodes, truncated=stored.get("nodes_truncated", False))
