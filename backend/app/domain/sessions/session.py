"""A session: a conversation about a project, or about one node of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.app.domain.errors import InvalidNodeIdError
from backend.app.domain.projects.node_name import MAX_NODE_NAME_BYTES, is_node_name, normalized_node_name
from shared.token_usage import TokenUsage


def check_node_id(node_id: str) -> str:
    """The node id, normalized as the workflow reader names nodes. Raises InvalidNodeIdError."""
    name = normalized_node_name(node_id)
    if not is_node_name(name):
        raise InvalidNodeIdError(
            f"A node id is the name of an agent's variable: letters, digits, '_', '.' and '-', at most "
            f"{MAX_NODE_NAME_BYTES} bytes of UTF-8, starting with a letter, a digit or '_'."
        )
    return name


def openai_session_key(project_id: str, node_id: str | None) -> str:
    """The name of a conversation's memory: one for the project, and one for each node of it."""
    return f"project_{project_id}" if node_id is None else f"project_{project_id}_node_{node_id}"


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation.

    Attributes:
        message_count: the number of accepted messages, which is the highest message number.
        completed_number: the number of the newest completed message, 0 where there is none.
        last_seq: the `seq` of its newest event.
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
        """Whether the session is about the project or about one node."""
        return "global" if self.node_id is None else "node"

    @property
    def openai_session_key(self) -> str:
        """The name of the session's memory."""
        return openai_session_key(self.project_id, self.node_id)
