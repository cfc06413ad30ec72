"""The server-sent events of one response of the Responses API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Literal

from backend.local.rehearsal.reply import CallTool, Json, Reply, Say
from backend.local.rehearsal.response import Draft, new_id, text_part

Ending = Literal["completed", "incomplete", "failed"]

DELTAS_BEFORE_A_BREAK = 2
_WORDS_IN_A_CHUNK = 4
_LONG_TEXT = 10_000  # characters; a longer text goes out in few large chunks, or parsing it takes seconds
_LARGE_CHUNK = 4_000
_ARGUMENTS_CHUNK = 40


def encode_event(event: Json) -> bytes:
    """Write one event the way it goes over the wire.

    Args:
        event: The event, with its `type`.

    Returns:
        An `event:` line, a `data:` line and an empty line.
    """
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def chunks_of(text: str) -> list[str]:
    """Cut a text into the pieces that are streamed: a few words each.

    Args:
        text: Any text.

    Returns:
        Pieces that give the text again when joined; none for an empty text.
    """
    if len(text) > _LONG_TEXT:
        return [text[at : at + _LARGE_CHUNK] for at in range(0, len(text), _LARGE_CHUNK)]
    words = re.findall(r"\s*\S+|\s+$", text)
    return ["".join(words[at : at + _WORDS_IN_A_CHUNK]) for at in range(0, len(words), _WORDS_IN_A_CHUNK)]


def stream_events(request: Json, reply: Reply, ending: Ending = "completed") -> Iterator[Json]:
    """Tell one response as the events of a stream. The last one carries the whole response.

    Args:
        request: Body of the model call.
        reply: What to answer.
        ending: `incomplete` writes the first half only; `failed` breaks off after some deltas.

    Yields:
        The events in order, each with its `sequence_number`.
    """
    prefix = "fc" if isinstance(reply, CallTool) else "msg"
    draft = Draft(request, _first_half(reply) if ending == "incomplete" else reply, item_id=new_id(prefix))
    draft = replace(draft, call_id=new_id("call"))
    number = count()
    for event in _events(draft, ending):
        yield {"type": event.pop("type"), "sequence_number": next(number), **event}


def _first_half(reply: Reply) -> Reply:
    if isinstance(reply, Say):
        return Say(reply.text[: len(reply.text) // 2 + 1])
    return CallTool(reply.name, reply.arguments[: len(reply.arguments) // 2 + 1])


def _events(draft: Draft, ending: Ending) -> Iterator[Json]:
    yield {"type": "response.created", "response": draft.body("in_progress", [])}
    yield {"type": "response.in_progress", "response": draft.body("in_progress", [])}
    item = draft.item("in_progress", filled=False)
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    deltas = 0
    for event in _item_events(draft):
        if ending == "failed" and (deltas == DELTAS_BEFORE_A_BREAK or event["type"].endswith(".done")):
            error = {"code": "server_error", "message": "The rehearsal model failed on purpose."}
            body = draft.body("failed", [], error=error, usage=draft.usage())
            yield {"type": "response.failed", "response": body}
            return
        deltas += event["type"].endswith(".delta")
        yield event
    done = draft.item(ending)
    yield {"type": "response.output_item.done", "output_index": 0, "item": done}
    cause = {"reason": "max_output_tokens"} if ending == "incomplete" else None
    body = draft.body(ending, [done], usage=draft.usage(), incomplete_details=cause)
    yield {"type": f"response.{ending}", "response": body}


def _item_events(draft: Draft) -> Iterator[Json]:
    where: Json = {"item_id": draft.item_id, "output_index": 0}
    if isinstance(draft.reply, CallTool):
        kind, arguments = "response.function_call_arguments", draft.reply.arguments
        for at in range(0, len(arguments), _ARGUMENTS_CHUNK):
            yield {"type": f"{kind}.delta", **where, "delta": arguments[at : at + _ARGUMENTS_CHUNK]}
        yield {"type": f"{kind}.done", **where, "name": draft.reply.name, "arguments": arguments}
        return
    text = draft.reply.text
    where["content_index"] = 0
    yield {"type": "response.content_part.added", **where, "part": text_part("")}
    for chunk in chunks_of(text):
        yield {"type": "response.output_text.delta", **where, "delta": chunk, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": text_part(text)}
