"""Filters what is stored of a conversation: only items and fields that the Responses API documents as input.

A model's server may return fields and items of its own. If they were stored, they would be sent with every later turn,
perhaps to another server, and a server that rejects unknown fields would reject each message of the session.
"""

import json
from collections.abc import Iterable
from typing import Any

from backend.app.domain.messages.message import Item
from backend.app.domain.storable_text import storable_json

_STATUSES = ("in_progress", "completed", "incomplete")
_PHASES = ("commentary", "final_answer")
_INPUT_ROLES = ("user", "system", "developer")


def documented_items(items: Iterable[Any]) -> tuple[Item, ...]:
    """The items in the form that the API accepts, in order.

    Removed are items of other types, empty messages, calls without a result and results without a call; also reasoning
    items and ids, which refer to data that the API stores only for a while: a function call with an id would require
    its reasoning item.
    """
    kept = [item for item in map(_input_item, items) if item is not None]
    calls = {item["call_id"] for item in kept if item.get("type") == "function_call"}
    results = {item["call_id"] for item in kept if item.get("type") == "function_call_output"}
    paired = calls & results
    return tuple(item for item in kept if "call_id" not in item or item["call_id"] in paired)


def _input_item(item: Any) -> Item | None:
    if not isinstance(item, dict):
        return None
    item = storable_json(item)
    match item.get("type", "message"):
        case "message":
            return _message(item)
        case "function_call":
            return _call(item)
        case "function_call_output":
            return _result(item)
        case _:
            return None


def _message(item: Item) -> Item | None:
    role, content = item.get("role"), item.get("content")
    if role not in (*_INPUT_ROLES, "assistant"):
        return None
    kept: Item = {"type": "message"} if "type" in item else {}
    kept["role"] = role
    if isinstance(content, list):
        content = [part for part in map(_output_part if role == "assistant" else _input_part, content) if part]
    if not content or not isinstance(content, str | list):
        return None
    kept["content"] = content
    if item.get("status") in _STATUSES:
        kept["status"] = item["status"]
    if role == "assistant" and item.get("phase") in _PHASES:
        kept["phase"] = item["phase"]
    return kept


def _output_part(part: Any) -> Item | None:
    if not isinstance(part, dict):
        return None
    if part.get("type") == "output_text" and isinstance(part.get("text"), str) and part["text"].strip():
        kept = {"type": "output_text", "text": part["text"]}
        return {**kept, "annotations": []} if "annotations" in part else kept
    if part.get("type") == "refusal" and isinstance(part.get("refusal"), str) and part["refusal"]:
        return {"type": "refusal", "refusal": part["refusal"]}
    return None


def _input_part(part: Any) -> Item | None:
    if isinstance(part, dict) and part.get("type") == "input_text" and isinstance(part.get("text"), str):
        return {"type": "input_text", "text": part["text"]}
    return None


def _call(item: Item) -> Item | None:
    call_id, name = item.get("call_id"), item.get("name")
    if not (isinstance(call_id, str) and call_id and isinstance(name, str) and name):
        return None
    kept = {"type": "function_call", "call_id": call_id, "name": name, "arguments": _arguments(item.get("arguments"))}
    return {**kept, "status": item["status"]} if item.get("status") in _STATUSES else kept


def _arguments(arguments: Any) -> str:
    """The arguments; an empty object where they are no JSON object, on which some servers fail in every later turn."""
    try:
        is_object = isinstance(arguments, str) and isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        is_object = False
    return arguments if is_object else "{}"


def _result(item: Item) -> Item | None:
    call_id, output = item.get("call_id"), item.get("output")
    if not (isinstance(call_id, str) and call_id and isinstance(output, str)):
        return None
    return {"type": "function_call_output", "call_id": call_id, "output": output}
