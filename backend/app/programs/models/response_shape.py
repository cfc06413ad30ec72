"""Gives what a model's server sends the shape that the Responses API documents.

The client takes JSON to have its documented types without looking, and whatever else comes (null, a text for a number,
an object for a text) fails somewhere inside the SDK as a bug would. Here it is repaired where its meaning is plain,
and left out where it has none. What has a shape already is left as it is, fields of the server's own included.
"""

import json
from typing import Any
from uuid import uuid4

from backend.app.domain.storable_text import read_json, storable_json
from backend.app.programs.models.model_failures import UnreadableAnswerError

Json = dict[str, Any]

# More than this in one response is no count of tokens.
_MOST_TOKENS = 10**12
_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})
# Fields of a function call that the SDK looks at, and what they are there.
_CALL_FIELDS: dict[str, type] = {"id": str, "status": str, "caller": dict, "namespace": str, "async": bool}
# What one event, and the items of one answer, may come to. Real ones have a few dozen objects and a handful of items;
# the client takes up to 2 ms for each, and the SDK compares each item with each other one, on the event loop.
_MAX_OBJECTS = 2_000
_MAX_ITEMS = 64
_ERRORS = frozenset({"error", "response.error"})
_PREFIX = "response."


def shaped_event(value: Any, name: str = "") -> Json | None:
    """An event of a stream in its documented shape.

    Args:
        value: what was read from the stream.
        name: the event's name in the stream; it counts where the value itself has no type.

    Returns:
        The event; None where it says nothing.

    Raises UnreadableAnswerError: it holds more than an answer does.
    """
    if not isinstance(value, dict):
        return None
    _require_few_objects(value)
    kind = _text(value.get("type")) or name
    if kind in _ERRORS or (value.get("error") and not kind.startswith(_PREFIX)):
        return error_event(value.get("error") or value)
    if not kind.startswith(_PREFIX):
        return None
    if kind == "response.completed":
        kind = _PREFIX + ending_of(value.get("response"))  # some servers end every stream with this event
    event = {**value, "type": kind}
    event.pop("error", None)  # the client would take it for the end of the stream
    if kind in _ENDINGS or "response" in event:
        event["response"] = shaped_response(event.get("response"), kind)
    if kind.startswith("response.output_item."):
        item = shaped_item(event.get("item"))
        return None if item is None else {**event, "item": item}
    if kind.endswith(".delta") and not isinstance(event.get("delta"), str):
        return None
    return event


def ending_of(response: Any) -> str:
    """How a response says that it ended: completed where it does not say."""
    status = response.get("status") if isinstance(response, dict) else None
    return status if status in ("incomplete", "failed") else "completed"


def require_few_items(number: int) -> None:
    """Raises UnreadableAnswerError where an answer has so many items."""
    if number > _MAX_ITEMS:
        raise UnreadableAnswerError(f"it has more than {_MAX_ITEMS} items")


def _require_few_objects(value: Any) -> None:
    """Raises UnreadableAnswerError where a JSON value holds more lists and objects than an answer does."""
    left, found = [value], 0
    while left:
        inner = left.pop()
        found += 1
        if found > _MAX_OBJECTS:
            raise UnreadableAnswerError(f"one of its events holds more than {_MAX_OBJECTS:,} lists and objects")
        left += [one for one in (inner.values() if isinstance(inner, dict) else inner) if isinstance(one, dict | list)]


def error_event(error: Any) -> Json:
    """The `error` event for what a server calls an error: an object, a text, or whatever it is."""
    given = error if isinstance(error, dict) else {"message": error}
    return {
        "type": "error",
        "sequence_number": 0,
        "code": _word(given.get("code")) or _word(given.get("status")),
        "message": _text(given.get("message")),
        "param": None,
        "error_type": _text(given.get("type")),
    }


def shaped_response(value: Any, kind: str = "") -> Json:
    """A response in its documented shape; an empty one for what is none.

    Raises UnreadableAnswerError: it holds more than an answer does.
    """
    given = value if isinstance(value, dict) else {}
    _require_few_objects(given)
    shaped = {
        **given,
        "id": _text(given.get("id")),
        "model": _text(given.get("model")),
        "output": _shaped_items(given.get("output")),
        "usage": shaped_usage(given["usage"]) if isinstance(given.get("usage"), dict) else None,
    }
    if not isinstance(given.get("created_at"), int | float):
        shaped["created_at"] = 0
    for name in ("error", "incomplete_details"):
        shaped[name] = given[name] if isinstance(given.get(name), dict) else None
    if kind == "response.failed" and shaped["error"] is None and given.get("error"):
        shaped["error"] = {"code": "", "message": _text(given["error"])}
    if shaped["error"] is not None:
        error = shaped["error"]
        shaped["error"] = {**error, "code": _word(error.get("code")), "message": _text(error.get("message"))}
    return shaped


def shaped_usage(usage: Json) -> Json:
    """A usage whose counts are counts: 0 for what cannot be one."""
    prompt, completion = token_count(usage.get("input_tokens")), token_count(usage.get("output_tokens"))
    return {
        **usage,
        "input_tokens": prompt,
        "output_tokens": completion,
        "total_tokens": token_count(usage.get("total_tokens")) or prompt + completion,
        "input_tokens_details": _details(usage.get("input_tokens_details"), "cached_tokens", prompt),
        "output_tokens_details": _details(usage.get("output_tokens_details"), "reasoning_tokens", completion),
    }


def token_count(value: Any) -> int:
    """A count of tokens: what a number, or a text of one, says as a whole number; 0 for everything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_TOKENS:
        return 0
    return int(value)


def shaped_item(item: Any) -> Json | None:
    """An output item in its documented shape; None for what is none. Items of other types are left as they are."""
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        return None
    if item["type"] == "message":
        content, status = _shaped_parts(item.get("content")), _text(item.get("status")) or "completed"
        return {**item, "id": _id(item, "msg"), "role": "assistant", "status": status, "content": content}
    if item["type"] == "function_call":
        return _shaped_call(item)
    if item["type"] == "reasoning":
        summary = item["summary"] if isinstance(item.get("summary"), list) else []
        return {**item, "id": _id(item, "rs"), "summary": [part for part in summary if isinstance(part, dict)]}
    return item


def _shaped_items(items: Any) -> list[Json]:
    require_few_items(len(items) if isinstance(items, list) else 0)
    shaped = [shaped_item(item) for item in items] if isinstance(items, list) else []
    return [item for item in shaped if item is not None]


def _shaped_call(item: Json) -> Json:
    arguments = item.get("arguments")
    known = {name: value for name, value in item.items() if isinstance(value, _CALL_FIELDS.get(name, object))}
    return {
        **known,
        # Only this says which result belongs to which call.
        "call_id": _text(item.get("call_id")) or _id(item, "call"),
        "name": _text(item.get("name")) or "unnamed",
        "arguments": _shaped_arguments(arguments) if isinstance(arguments, str) else json.dumps(arguments),
    }


def _shaped_arguments(text: str) -> str:
    """Arguments that the next server can read; what is no JSON stays as it is, for the tool to refuse."""
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
        return {**part, "refusal": _text(part.get("refusal"))}
    if kind in ("output_text", "text"):
        annotations = part.get("annotations")
        return {
            **part,
            "type": "output_text",
            "text": _text(part.get("text")),
            "annotations": annotations if isinstance(annotations, list) else [],
        }
    return None


def _details(value: Any, name: str, total: int) -> Json:
    """How many of all tokens were of one kind: no more than there are."""
    given = value if isinstance(value, dict) else {}
    return {**given, name: min(token_count(given.get(name)), total)}


def _id(item: Json, prefix: str) -> str:
    return _text(item.get("id")) or f"{prefix}_{uuid4().hex}"


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
