"""Normalizes the output items of a response: see `response_shape`."""

import json
from typing import Any
from uuid import uuid4

from backend.app.domain.storable_text import read_json, storable_json
from backend.app.programs.models.model_failures import UnreadableAnswerError

Json = dict[str, Any]

# Fields of a function call that the SDK reads, with their types.
_CALL_FIELDS: dict[str, type] = {"id": str, "status": str, "caller": dict, "namespace": str, "async": bool}
# Real responses have a handful of items; the SDK compares each item with each other one, on the event loop.
_MAX_ITEMS = 64


def require_few_items(number: int) -> None:
    """Raise UnreadableAnswerError where a response has more items than the limit."""
    if number > _MAX_ITEMS:
        raise UnreadableAnswerError(f"it has more than {_MAX_ITEMS} items")


def shaped_item(item: Any) -> Json | None:
    """Normalize an output item; None where the value is none. Items of other types are kept unchanged."""
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        return None
    if item["type"] == "message":
        content, status = _shaped_parts(item.get("content")), text_or_empty(item.get("status")) or "completed"
        return {**item, "id": _id(item, "msg"), "role": "assistant", "status": status, "content": content}
    if item["type"] == "function_call":
        return _shaped_call(item)
    if item["type"] == "reasoning":
        summary = item["summary"] if isinstance(item.get("summary"), list) else []
        return {**item, "id": _id(item, "rs"), "summary": [part for part in summary if isinstance(part, dict)]}
    return item


def shaped_items(items: Any) -> list[Json]:
    """Normalize the output of a response. Raises UnreadableAnswerError where it has too many items."""
    require_few_items(len(items) if isinstance(items, list) else 0)
    shaped = [shaped_item(item) for item in items] if isinstance(items, list) else []
    return [item for item in shaped if item is not None]


def _shaped_call(item: Json) -> Json:
    arguments = item.get("arguments")
    known = {name: value for name, value in item.items() if isinstance(value, _CALL_FIELDS.get(name, object))}
    return {
        **known,
        # Needed to match a result to its call.
        "call_id": text_or_empty(item.get("call_id")) or _id(item, "call"),
        "name": text_or_empty(item.get("name")) or "unnamed",
        "arguments": _shaped_arguments(arguments) if isinstance(arguments, str) else json.dumps(arguments),
    }


def _shaped_arguments(text: str) -> str:
    """Arguments that any server can parse. Invalid JSON is kept, and the tool refuses it."""
    try:
        storable = storable_json(read_json(text))
    except json.JSONDecodeError:
        return text
    except ValueError as error:
        return json.dumps(str(error))
    try:
        return text if json.loads(text) == storable else json.dumps(storable)
    except ValueError:  # a number with too many digits
        return json.dumps(storable)


def _shaped_parts(content: Any) -> list[Json]:
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    parts = [_shaped_part(part) for part in content] if isinstance(content, list) else []
    return [part for part in parts if part is not None]


def _shaped_part(part: Any) -> Json | None:
    if not isinstance(part, dict):
        return None
    kind = part.get("type")
    if kind == "refusal":
        return {**part, "refusal": text_or_empty(part.get("refusal"))}
    if kind in ("output_text", "text"):
        annotations = part.get("annotations")
        return {
            **part,
            "type": "output_text",
            "text": text_or_empty(part.get("text")),
            "annotations": annotations if isinstance(annotations, list) else [],
        }
    return None


def _id(item: Json, prefix: str) -> str:
    return text_or_empty(item.get("id")) or f"{prefix}_{uuid4().hex}"


def text_or_empty(value: Any) -> str:
    """The value where it is a text, else the empty text."""
    return value if isinstance(value, str) else ""
