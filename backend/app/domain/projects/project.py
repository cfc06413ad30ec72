"""A project: one Python source file that defines an agent workflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.app.domain.projects.workflow.workflow import Node

STARTER_CODE = '''\
"""A workflow of one agent. Talk to Vibewire to change it."""

from agents import Agent, Runner

assistant = Agent(
    name="Assistant",
    instructions="You are a helpful assistant.",
)


if __name__ == "__main__":
    print(Runner.run_sync(assistant, "Hello!").final_output)
'''


@dataclass(frozen=True, slots=True)
class Project:
    """A project at one version of its code (the current one, unless another was asked for)."""

    project_id: str
    name: str
    owner: str
    members: tuple[str, ...]
    code: str
    version: int
    nodes: tuple[Node, ...]
    created_at: datetime
    updated_at: datetime
    nodes_truncated: bool = False


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """A project in a list: without its code and nodes."""

    project_id: str
    name: str
    owner: str
    members: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """One version of a project's code. `message_id` is None where a user edited it by hand."""

    project_id: str
    version: int
    code: str
    nodes: tuple[Node, ...]
    message_id: str | None
    commit_message: str
    created_at: datetime
    nodes_truncated: bool = False


def first_version(project: Project) -> CodeVersion:
    """The first version of a new project's code."""
    return CodeVersion(
        project_id=project.project_id,
        version=project.version,
        code=project.code,
        nodes=project.nodes,
        message_id=None,
        commit_message="Created",
        created_at=project.created_at,
        nodes_truncated=project.nodes_truncated,
    )


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """An entry of a project's version history: a code version without its code."""

    version: int
    message_id: str | None
    commit_message: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """The changes of one update; None leaves a part unchanged.

    Attributes:
        members: the complete new list.
        leaving: a member who leaves; the others are unchanged, or as a concurrent update has set them.
    """

    name: str | None = None
    members: tuple[str, ...] | None = None
    leaving: str | None = None
    code: CodeVersion | None = None

    def members_after(self, before: Sequence[str]) -> tuple[str, ...] | None:
        """The members after the change; None where it does not change them."""
        if self.leaving is not None:
            return tuple(member for member in before if member != self.leaving)
        return self.members
