"""What somebody may do in a project: the same rule for the API and for the relay."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """Who is in a project."""

    project_id: str
    owner: str
    members: tuple[str, ...] = ()

    def may_use(self, user_id: str) -> bool:
        """Whether the user may read, hear and change the project: its owner and its members."""
        return user_id == self.owner or user_id in self.members

    def may_manage(self, user_id: str) -> bool:
        """Whether the user may rename, share and delete the project: its owner."""
        return user_id == self.owner


class AccessReader(Protocol):
    """Strongly consistent reads of who is in a project."""

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """Who is in the project; None where there is none, or no longer."""
        ...
