"""What the demo model answers, as the Responses API writes it: the Response object, and the events of its stream."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_PIECE, _MAX_PIECES = 24, 250  # characters; a long text goes out in larger pieces
_ECHO: Json = {
    "instructions": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "temperature": 1,
}


@dataclass(frozen=True)
class Reply:
    """A text, or the arguments, as JSON, of a call of the named tool."""

    text: str
    tool: str | None = None


def text_in(item: Json) -> str:
    """The text of a message or of a tool's output: a string, or a list of parts of which some have text."""
    given = item.get("content") or item.get("output")
    parts = [{"text": given}] if isinstance(given, str) else given if isinstance(given, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def new_id(prefix: str) -> str:
    """An id like those of the API."""
    return f"{prefix}_{secrets.token_hex(16)}"


def encode_event(event: Json) -> bytes:
    """A server-sent event."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def stream_events(request: Json, reply: Reply) -> Iterator[Json]:
    """Yield the events of the streamed response to a model call; the last one carries the complete Response object."""
    given = {key: value for key, value in request.items() if value is not None}
    echoed = {key: given.get(key, default) for key, default in _ECHO.items()}
    base: Json = {"id": new_id("resp"), "object": "response", "created_at": int(time.time()), **echoed}
    base |= {"status": "in_progress", "model": f"{given['model']}-demo", "error": None, "incomplete_details": None}
    begun = {**base, "output": [], "usage": None}
    done, empty = _items(reply)
    response = {**base, "status": "completed", "output": [done], "usage": _usage(request, reply)}
    events: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        *_item_events(reply, {"item_id": done["id"], "output_index": 0}),
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": response},
    ]
    for number, event in enumerate(events):
        yield {"type": event.pop("type"), "sequence_number": number, **event}


def _items(reply: Reply) -> tuple[Json, Json]:
    """The output item, and what it is before it is written."""
    if reply.tool is None:
        item = {"type": "message", "id": new_id("msg"), "role": "assistant", "content": [_text_part(reply.text)]}
        return {**item, "status": "completed"}, {**item, "status": "in_progress", "content": []}
    item = {"type": "function_call", "id": new_id("fc"), "call_id": new_id("call"), "name": reply.tool}
    return {**item, "arguments": reply.text, "status": "completed"}, {**item, "arguments": "", "status": "in_progress"}


def _usage(request: Json, reply: Reply) -> Json:
    asked = [request.get(name) for name in ("instructions", "tools", "input")]
    read, wrote = _tokens(json.dumps(asked, ensure_ascii=False)), _tokens(reply.text)
    usage = {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}
    cached, reasoning = {"cached_tokens": 0, "cache_write_tokens": 0}, {"reasoning_tokens": 0}
    return {**usage, "input_tokens_details": cached, "output_tokens_details": reasoning}


def _item_events(reply: Reply, where: Json) -> Iterator[Json]:
    if reply.tool is not None:
        kind = "response.function_call_arguments"
        yield from ({"type": f"{kind}.delta", **where, "delta": piece} for piece in _pieces(reply.text))
        yield {"type": f"{kind}.done", **where, "name": reply.tool, "arguments": reply.text}
        return
    where = {**where, "content_index": 0}
    yield {"type": "response.content_part.added", **where, "part": _text_part("")}
    for piece in _pieces(reply.text):
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": reply.text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": _text_part(reply.text)}


def _text_part(text: str) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _pieces(text: str) -> list[str]:
    size = max(_PIECE, -(-len(text) // _MAX_PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _tokens(text: str) -> int:
    return max(1, -(-len(text) // 4))  # about four characters each
