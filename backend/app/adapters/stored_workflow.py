"""How both engines keep the nodes of a code version: as JSON beside the code."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backend.app.domain.projects.project import CodeVersion
from backend.app.domain.projects.workflow.workflow import Node, Workflow, bounded_workflow


def stored_workflow(version: CodeVersion) -> dict[str, Any]:
    """The fields that keep the nodes of a code version."""
    return {"nodes": [asdict(node) for node in version.nodes], "nodes_truncated": version.nodes_truncated}


def workflow_of(stored: Mapping[str, Any]) -> Workflow:
    """The nodes in such fields, bounded: what was stored before there was a bound may be of any size."""
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
