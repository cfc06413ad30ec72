"""A session: a conversation about a whole project, or about one node of it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.app.domain.errors import InvalidNodeIdError
from shared.events import TokenUsage

_NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check_node_id(node_id: str) -> str:
    """The node id itself. Raises InvalidNodeIdError where it could not be the name of a folder or a key."""
    if not _NODE_ID.fullmatch(node_id):
        raise InvalidNodeIdError(
            "A node id is 1 to 64 letters, digits, '_', '.' or '-', and begins with a letter or digit."
        )
    return node_id


def openai_session_key(project_id: str, node_id: str | None) -> str:
    """The name of a conversation's memory: one per project, and one per node of it."""
    return f"project_{project_id}" if node_id is None else f"project_{project_id}_node_{node_id}"


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation.

    Attributes:
        message_count: messages accepted so far; also the highest message number.
        completed_number: the number of the newest completed message, 0 where there is none.
        last_seq: the number of its newest event.
        token_usage: the sum over its ended messages.
    """

    session_id: str
    project_id: str
    node_id: str | None
    created_at: datetime
    message_count: int = 0
    completed_number: int = 0
    last_seq: int = 0
    token_usage: TokenUsage = TokenUsage()

    @property
    def session_type(self) -> Literal["global", "node"]:
        """Whether the session is about the whole project or about one node."""
        return "global" if self.node_id is None else "node"

    @property
    def openai_session_key(self) -> str:
        """The name of the session's memory."""
        return openai_session_key(self.project_id, self.node_id)
