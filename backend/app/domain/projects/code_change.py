"""The patch and workflow of a change to a project's code. Pure functions, which an Offloader can run."""

from dataclasses import dataclass

from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.projects.merge import merge
from backend.app.domain.projects.source import InvalidSourceError
from backend.app.domain.projects.workflow.workflow import Workflow, read_workflow


@dataclass(frozen=True, slots=True)
class CodeChange:
    """New code, its patch and its workflow.

    Attributes:
        patch: the unified diff to the new code; empty where nothing changes.
    """

    code: str
    patch: str
    workflow: Workflow


def describe_change(code: str, new_code: str) -> CodeChange:
    """Return the change from one code to another. Raises InvalidSourceError."""
    return CodeChange(new_code, unified_diff(code, new_code), read_workflow(new_code))


def rebase_change(base: str, changed: str, newer: str) -> CodeChange | None:
    """Apply a change of `base` to newer code. None where the two changes overlap, or their result does not parse."""
    merged = merge(base, changed, newer)
    if merged is None:
        return None
    try:
        return describe_change(newer, merged)
    except InvalidSourceError:
        return None
