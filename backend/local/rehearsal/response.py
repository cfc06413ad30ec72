"""The Response object of the Responses API and the one item it carries."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field

from backend.local.rehearsal.reply import CallTool, Json, Reply, Say, content_text, tokens_of

_ECHOED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}


def new_id(prefix: str) -> str:
    """Make an id like those of the API.

    Args:
        prefix: What it names: `resp`, `msg`, `fc`, `call` or `req`.

    Returns:
        The prefix, an underscore and 32 random hex digits.
    """
    return f"{prefix}_{secrets.token_hex(16)}"


def input_tokens(request: Json) -> int:
    """Count the tokens of a request: instructions, tools and the text of every item.

    Args:
        request: Body of the model call.

    Returns:
        Number of tokens, at least 1.
    """
    given = request.get("input", "")
    items = [{"content": given}] if isinstance(given, str) else given
    characters = len(request.get("instructions") or "") + len(json.dumps(request.get("tools") or ""))
    for item in items:
        characters += len(content_text(item.get("content"))) + len(content_text(item.get("output")))
        characters += len(content_text(item.get("arguments")))
    return max(1, tokens_of(characters))


@dataclass(frozen=True)
class Draft:
    """One response while it is written: its ids, the request it echoes and the item it carries."""

    request: Json
    reply: Reply
    id: str = field(default_factory=lambda: new_id("resp"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    item_id: str = ""
    call_id: str = ""

    def body(self, status: str, output: list[Json], **changes: object) -> Json:
        """Build the Response object.

        Args:
            status: `in_progress`, `completed`, `incomplete` or `failed`.
            output: The output items so far.
            changes: Fields to set beside the echoed ones (`usage`, `error`, `incomplete_details`).

        Returns:
            The complete object, request settings echoed.
        """
        asked = self.request
        echoed = {key: default if asked.get(key) is None else asked[key] for key, default in _ECHOED.items()}
        text = {"format": {"type": "text"}, "verbosity": "medium"} | (asked.get("text") or {})
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "background": False,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": None,
            "model": f"{asked['model']}-rehearsal",
            "output": output,
            "reasoning": {"effort": None, "summary": None} | (asked.get("reasoning") or {}),
            "service_tier": "default",
            "text": text,
            "usage": None,
            **echoed,
            **changes,
        }

    def item(self, status: str, *, filled: bool = True) -> Json:
        """Build the output item.

        Args:
            status: `in_progress`, `completed` or `incomplete`.
            filled: Whether it carries its text or arguments already.

        Returns:
            A message item or a function_call item.
        """
        base: Json = {"id": self.item_id, "status": status}
        if isinstance(self.reply, CallTool):
            arguments = self.reply.arguments if filled else ""
            call = {"call_id": self.call_id, "name": self.reply.name, "arguments": arguments}
            return {"type": "function_call", **base, **call}
        content = [text_part(self.reply.text)] if filled else []
        return {"type": "message", **base, "role": "assistant", "content": content}

    def usage(self) -> Json:
        """Count the tokens of request and reply.

        Returns:
            The `usage` object.
        """
        written = self.reply.text if isinstance(self.reply, Say) else self.reply.name + self.reply.arguments
        taken, given = input_tokens(self.request), max(1, tokens_of(len(written)))
        return {
            "input_tokens": taken,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": given,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": taken + given,
        }


def text_part(text: str) -> Json:
    """Build a content part of a message.

    Args:
        text: Its text.

    Returns:
        The `output_text` part.
    """
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
