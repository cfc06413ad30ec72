"""What somebody may do in a project: the same rule for the API and for the relay."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# An id is a UUID of 36 characters. Whatever is longer names nothing: it is not looked up, since a store refuses keys
# that are too long (DynamoDB's end at 2,048 bytes).
MAX_ID_CHARACTERS = 64
_UUID_IN_UPPER_CASE = re.compile(r"(?=.*[A-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_id(text: str) -> bool:
    """Whether a text that a client sent may be the id of anything: 1 to 64 printable ASCII characters."""
    return 0 < len(text) <= MAX_ID_CHARACTERS and text.isascii() and text.isprintable()


def canonical_id(text: str) -> str:
    """An id that a client sent as it is stored: a UUID in lower case (RFC 9562, section 4). Other text as it is."""
    return text.lower() if _UUID_IN_UPPER_CASE.fullmatch(text) else text


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

    def is_leaving(self, user_id: str, members: Sequence[str]) -> bool:
        """Whether these members are the present ones without the user, who is one of them."""
        return user_id in self.members and set(members) == {*self.members} - {user_id}


class AccessReader(Protocol):
    """Strongly consistent reads of who is in a project."""

    async def find_access(self, project_id: str) -> ProjectAccess | None:
        """Who is in the project; None where there is none, or no longer."""
        ...
