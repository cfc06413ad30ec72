"""What the rehearsal model can answer: a text, or one call of a tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Say:
    """A text answer."""

    text: str


@dataclass(frozen=True)
class CallTool:
    """A call of one function tool. `arguments` is JSON text, as a model would write it."""

    name: str
    arguments: str


Reply = Say | CallTool


def content_text(content: object) -> str:
    """Read the text of a message's content or of a tool's output.

    Args:
        content: A string, or a list of parts that may have a `text`.

    Returns:
        The text of all parts, one after the other; empty when there is none.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def tokens_of(characters: int) -> int:
    """Estimate tokens: about 4 characters each, rounded up.

    Args:
        characters: Length of a text.

    Returns:
        Number of tokens.
    """
    return -(-characters // 4)
