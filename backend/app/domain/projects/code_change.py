"""What a change of a project's code comes to. Functions of text alone: an Offloader may run them elsewhere."""

from dataclasses import dataclass

from backend.app.domain.projects.diff import unified_diff
from backend.app.domain.projects.merge import merge
from backend.app.domain.projects.source import InvalidSourceError
from backend.app.domain.projects.workflow.workflow import Workflow, read_workflow


@dataclass(frozen=True, slots=True)
class CodeChange:
    """New code and what there is to say of it.

    Attributes:
        patch: the unified diff that leads to it; empty where nothing changes.
    """

    code: str
    patch: str
    workflow: Workflow


def describe_change(code: str, new_code: str) -> CodeChange:
    """Return the change from one code to another. Raises InvalidSourceError."""
    return CodeChange(new_code, unified_diff(code, new_code), read_workflow(new_code))


def rebase_change(base: str, changed: str, newer: str) -> CodeChange | None:
    """Return a change of `base` made on newer code; None where the two overlap, or do not parse together."""
    merged = merge(base, changed, newer)
    if merged is None:
        return None
    try:
        return describe_change(newer, merged)
    except InvalidSourceError:
        return None
