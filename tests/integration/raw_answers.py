"""Answers of a model's server, written by hand: what is right about them, and what is not."""

import base64
import json
from typing import Any

from tests.integration.talk import Json

USAGE: Json = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 15,
}


def text_item(text: str) -> Json:
    """A message of the model."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def refusal_item(words: str) -> Json:
    """A message whose only part is a refusal."""
    return {**text_item(""), "content": [{"type": "refusal", "refusal": words}]}


def call_item(arguments: Any) -> Json:
    """A call of the patch tool."""
    call = {"call_id": "call_1", "name": "submit_patch", "arguments": arguments}
    return {"id": "fc_1", "type": "function_call", "status": "completed", **call}


def response(*output: Any, **changes: Any) -> Json:
    """A Response object."""
    given = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m"}
    return {**given, "output": list(output), "usage": USAGE, "error": None, "incomplete_details": None, **changes}


def delta(text: str) -> Json:
    """A piece of the model's text."""
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return {"type": "response.output_text.delta", **where, "delta": text, "sequence_number": 1, "logprobs": []}


def ended(body: Any, kind: str = "completed") -> Json:
    """The last event of an answer."""
    return {"type": f"response.{kind}", "sequence_number": 9, "response": body}


def stream(*events: Any) -> str:
    """Events as they go over the wire; what is text already goes as it is."""
    return "".join(event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n" for event in events)


def raw(body: str | bytes, **fault: Any) -> Json:
    """The fault by which the model's server answers just this."""
    fault = {"kind": "raw", "status": 200, **fault}
    if isinstance(body, bytes):
        return {**fault, "body": base64.b64encode(body).decode(), "base64": True}
    return {**fault, "body": body}


def says(text: str, **changes: Any) -> Json:
    """The fault by which the model says this."""
    return raw(stream(delta(text), ended(response(text_item(text), **changes))))
