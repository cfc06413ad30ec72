"""Recognizes responses of other APIs than the Responses API, which mean that the base URL is wrong."""

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
# The longest first line that is read of a response with one line of JSON per piece.
_LINE_CHARACTERS = 100_000


def other_api(value: Any, name: str = "") -> str | None:
    """The API whose response, or part of a response, the JSON value is; None where it is not recognized.

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
    """The API of a response with one line of JSON per piece; None where it is not recognized."""
    line = body.lstrip()[:_LINE_CHARACTERS].partition("\n")[0]
    try:
        return other_api(json.loads(line))
    except (ValueError, RecursionError):
        return None
