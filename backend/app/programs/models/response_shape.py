"""Normalizes what a model's server sends to the shape that the Responses API documents.

The client does not validate types: other values (null, a text for a number, an object for a text) fail somewhere inside
the SDK, like a bug. Here they are repaired where their meaning is clear, and dropped otherwise. Documented values and
additional fields of the server are kept.
"""

from typing import Any

from backend.app.programs.models.item_shape import Json, shaped_item, shaped_items, text_or_empty
from backend.app.programs.models.model_failures import UnreadableAnswerError

# A larger number is not a count of tokens.
_MOST_TOKENS = 10**12
_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})
# The limit of one event. Real ones have a few dozen objects; the client takes up to 2 ms for each, on the event loop.
_MAX_OBJECTS = 2_000
_ERRORS = frozenset({"error", "response.error"})
_PREFIX = "response."


def shaped_event(value: Any, name: str = "") -> Json | None:
    """Normalize an event of a stream.

    Args:
        value: the event's data.
        name: the event's name in the stream, used where the data has no type.

    Returns:
        The event; None where it has no meaning.

    Raises UnreadableAnswerError where it exceeds the limits.
    """
    if not isinstance(value, dict):
        return None
    _require_few_objects(value)
    kind = text_or_empty(value.get("type")) or name
    if kind in _ERRORS or (value.get("error") and not kind.startswith(_PREFIX)):
        return error_event(value.get("error") or value)
    if not kind.startswith(_PREFIX):
        return None
    if kind == "response.completed":
        kind = _PREFIX + ending_of(value.get("response"))  # some servers send this event at the end of every stream
    event = {**value, "type": kind}
    event.pop("error", None)  # the client would treat it as the end of the stream
    if kind in _ENDINGS or "response" in event:
        event["response"] = shaped_response(event.get("response"), kind)
    if kind.startswith("response.output_item."):
        item = shaped_item(event.get("item"))
        return None if item is None else {**event, "item": item}
    if kind.endswith(".delta") and not isinstance(event.get("delta"), str):
        return None
    return event


def ending_of(response: Any) -> str:
    """The status that a response ended with; completed where it has none."""
    status = response.get("status") if isinstance(response, dict) else None
    return status if status in ("incomplete", "failed") else "completed"


def _require_few_objects(value: Any) -> None:
    """Raise UnreadableAnswerError where a JSON value has more lists and objects than the limit."""
    left, found = [value], 0
    while left:
        inner = left.pop()
        found += 1
        if found > _MAX_OBJECTS:
            raise UnreadableAnswerError(f"one of its events has more than {_MAX_OBJECTS:,} lists and objects")
        left += [one for one in (inner.values() if isinstance(inner, dict) else inner) if isinstance(one, dict | list)]


def error_event(error: Any) -> Json:
    """The `error` event for a server's error, which may be an object, a text or another value."""
    given = error if isinstance(error, dict) else {"message": error}
    return {
        "type": "error",
        "sequence_number": 0,
        "code": _word(given.get("code")) or _word(given.get("status")),
        "message": text_or_empty(given.get("message")),
        "param": None,
        "error_type": text_or_empty(given.get("type")),
    }


def shaped_response(value: Any, kind: str = "") -> Json:
    """Normalize a response; an empty one where the value is none.

    Raises UnreadableAnswerError where it exceeds the limits.
    """
    given = value if isinstance(value, dict) else {}
    _require_few_objects(given)
    shaped = {
        **given,
        "id": text_or_empty(given.get("id")),
        "model": text_or_empty(given.get("model")),
        "output": shaped_items(given.get("output")),
        "usage": shaped_usage(given["usage"]) if isinstance(given.get("usage"), dict) else None,
    }
    if not isinstance(given.get("created_at"), int | float):
        shaped["created_at"] = 0
    for name in ("error", "incomplete_details"):
        shaped[name] = given[name] if isinstance(given.get(name), dict) else None
    if kind == "response.failed" and shaped["error"] is None and given.get("error"):
        shaped["error"] = {"code": "", "message": text_or_empty(given["error"])}
    if shaped["error"] is not None:
        error = shaped["error"]
        shaped["error"] = {**error, "code": _word(error.get("code")), "message": text_or_empty(error.get("message"))}
    return shaped


def shaped_usage(usage: Json) -> Json:
    """Normalize a usage: 0 for each invalid count."""
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
    """A count of tokens, from a number or a text of one, as an integer; 0 for any other value."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_TOKENS:
        return 0
    return int(value)


def _details(value: Any, name: str, total: int) -> Json:
    """The details of a count, in which the tokens of one kind are at most the total."""
    given = value if isinstance(value, dict) else {}
    return {**given, name: min(token_count(given.get(name)), total)}


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
