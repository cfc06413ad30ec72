"""Knows the answers of other APIs than the Responses API: where they come, the settings have the wrong address."""

import json
from typing import Any

_ANTHROPIC_EVENTS = frozenset(
    {
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    }
)
# The first line of an answer that is a line of JSON for each piece.
_LINE_CHARACTERS = 100_000


def other_api(value: Any, name: str = "") -> str | None:
    """The API whose answer, or piece of one, a JSON value is; None for what looks like none of those known.

    `name` is the event's name in the stream.
    """
    if isinstance(value, list) and value:
        value = value[0]  # Gemini streams a list
    if not isinstance(value, dict):
        return None
    if str(value.get("object")).startswith("chat.completion") or isinstance(value.get("choices"), list):
        return "Chat Completions API"
    kind = value.get("type", name)
    if kind in _ANTHROPIC_EVENTS or (kind == "message" and "content" in value and "stop_reason" in value):
        return "Anthropic Messages API"
    if isinstance(value.get("candidates"), list):
        return "Gemini API"
    if isinstance(value.get("done"), bool) and ("message" in value or "response" in value):
        return "Ollama API"
    return None


def other_api_of_lines(body: str) -> str | None:
    """Likewise for an answer of a line of JSON for each piece."""
    line = body.lstrip()[:_LINE_CHARACTERS].partition("\n")[0]
    try:
        return other_api(json.loads(line))
    except (ValueError, RecursionError):
        return None
