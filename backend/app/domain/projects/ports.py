"""The port of the project store.

All reads are strongly consistent: they see every write that was acknowledged before them, unless a method says that it
may lag behind. A method that is one transaction is atomic, even if the process dies.
"""

from datetime import datetime
from typing import Protocol

from backend.app.domain.page import Page
from backend.app.domain.projects.project import CodeVersion, Project, ProjectChange, ProjectEntry, VersionEntry


class ProjectStore(Protocol):
    """Projects and the versions of their code."""

    async def create_project(self, project: Project) -> None:
        """Store a new project and its code as version 1."""
        ...

    async def find_project(self, project_id: str) -> Project | None:
        """The project with its current code; None where it does not exist or was deleted."""
        ...

    async def find_code_version(self, project_id: str, version: int) -> CodeVersion | None:
        """One version of a project's code."""
        ...

    async def list_projects(self, user_id: str, limit: int, cursor: str | None) -> Page[ProjectEntry]:
        """The projects that the user owns or is a member of, newest first, without their code."""
        ...

    async def list_code_versions(self, project_id: str, limit: int, cursor: str | None) -> Page[VersionEntry]:
        """The history of a project's code, newest first."""
        ...

    async def update_project(self, project_id: str, change: ProjectChange, now: datetime) -> Project | None:
        """Apply a change as one transaction and return the project; None where there is none.

        Raises StaleVersionError where `change.code` is not the successor of the current version; then nothing changed.
        """
        ...

    async def delete_project(self, project_id: str) -> bool:
        """Hide the project from all readers immediately. False where it was deleted before. Safe to repeat."""
        ...
