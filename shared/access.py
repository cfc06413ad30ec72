"""Who may do what in a project: the rules, shared by the API and the relay."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# An id is a UUID of 36 characters. Longer text is not looked up: stores refuse long keys (DynamoDB: over 2,048 bytes).
MAX_ID_CHARACTERS = 64
_UUID_IN_UPPER_CASE = re.compile(r"(?=.*[A-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_id(text: str) -> bool:
    """Whether a client's text can be an id: 1 to 64 printable ASCII characters."""
    return 0 < len(text) <= MAX_ID_CHARACTERS and text.isascii() and text.isprintable()


def canonical_id(text: str) -> str:
    """A client's id in its stored form: a UUID in lower case (RFC 9562, section 4), other text unchanged."""
    return text.lower() if _UUID_IN_UPPER_CASE.fullmatch(text) else text


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """The owner and the members of a project."""

    project_id: str
    owner: str
    members: tuple[str, ...] = ()

    def may_use(self, user_id: str) -> bool:
        """Whether the user may read, subscribe to and change the project: its owner and its members."""
        return user_id == self.owner or user_id in self.members

    def may_manage(self, user_id: str) -> bool:
        """Whether the user may rename, share and delete the project: its owner."""
        return user_id == self.owner

    def is_leaving(self, user_id: str, members: Sequence[str]) -> bool:
        """Whether these are the current members without the user, who is one of them."""
        return user_id in self.members and set(members) == {*self.members} - {user_id}


class AccessReader(Protocol):
    """Strongly consistent reads of a project's owner and members."""

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """The owner and members; None if the project does not exist or was deleted."""
        ...
