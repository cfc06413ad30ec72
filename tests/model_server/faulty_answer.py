"""What a planned fault does to an answer of the demo model."""

import json
from base64 import b64decode
from collections.abc import Iterator
from enum import Enum
from itertools import takewhile

from backend.app.programs.vibecoder.prompt_tags import PATCH_TOOL
from backend.local.demo_model.answer import make_plan
from backend.local.demo_model.context import read_context
from backend.local.demo_model.diff import v4a_diff
from backend.local.demo_model.response import Json, Reply, encode_event, stream_events
from tests.model_server.fault import Fault

DELTAS_BEFORE_A_BREAK = 2
_MALFORMED = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta"\n\n'
_BAD_DIFF = "@@\n this line is in no file\n-nor is this one\n+so this cannot be added\n"


class Break(Enum):
    """How a stream stops early."""

    CUT = "the connection breaks"
    STALL = "nothing more comes"


def faulty_reply(fault: Fault, reply: Reply, request: Json) -> Reply:
    """What the model answers under a fault; its own reply where the fault is not about the answer."""
    if fault.kind == "unknown_tool":
        return Reply(json.dumps({"command": "true"}), tool="run_shell")
    if fault.kind == "bad_patch":
        return Reply(json.dumps({"diff": _BAD_DIFF}), tool=PATCH_TOOL)
    if fault.kind == "huge_output":
        return Reply(("many words " * (fault.bytes // 11 + 1))[: fault.bytes])
    if fault.kind == "bad_review":
        return Reply("Looks good to me.")
    if fault.kind == "incomplete":
        return Reply(reply.text[: len(reply.text) // 2 + 1], reply.tool)
    return _submit_again(request) if fault.kind == "tool_loop" else reply


def _submit_again(request: Json) -> Reply:
    """A call of the patch tool, whatever it answered before; where nothing is to change, it adds a comment."""
    context = read_context(request["input"])
    assert context is not None
    new_code = make_plan(context)[1] or f"{context.code}\n# Nothing to change."
    return Reply(json.dumps({"diff": v4a_diff(context.code, new_code)}), tool=PATCH_TOOL)


def raw_body(fault: Fault) -> bytes:
    """The bytes of an answer of the kind `raw`, once."""
    return b64decode(fault.body) if fault.base64 else fault.body.encode()


def faulty_events(request: Json, reply: Reply, kind: str | None) -> Iterator[Json]:
    """The events of a response that completes, is incomplete or fails."""
    events = list(stream_events(request, reply))
    completed = events[-1]["response"]
    if kind == "incomplete":
        details = {"reason": "max_output_tokens"}
        output = [{**item, "status": "incomplete"} for item in completed["output"]]
        response = {**completed, "status": "incomplete", "incomplete_details": details, "output": output}
        done = {**events[-2], "item": output[0]}
        yield from (*events[:-2], done, {**events[-1], "type": "response.incomplete", "response": response})
    elif kind == "failed":
        begun = list(takewhile(lambda event: not event["type"].endswith(".done"), events))
        first = next(at for at, event in enumerate(begun) if event["type"].endswith(".delta"))
        begun = begun[: first + DELTAS_BEFORE_A_BREAK]
        error = {"code": "server_error", "message": "The model failed on purpose."}
        response = {**completed, "status": "failed", "output": [], "error": error, "completed_at": None}
        yield from begun
        yield {"type": "response.failed", "sequence_number": len(begun), "response": response}
    else:
        yield from events


def faulty_stream(events: Iterator[Json], kind: str | None) -> Iterator[Json | bytes | Break]:
    """Let a stream go wrong.

    Yields events, bytes that are no event, and at the end a Break unless the stream ends cleanly.
    """
    deltas = 0
    for event in events:
        name = event["type"]
        if kind == "cut_mid_stream" and (deltas == DELTAS_BEFORE_A_BREAK or name.endswith(".done")):
            yield Break.CUT
            return
        if kind == "clean_eof" and name == "response.completed":
            return
        yield event
        deltas += name.endswith(".delta")
        if kind == "stall":
            yield Break.STALL
            return
        if kind in ("malformed_json", "error_event") and name == "response.in_progress":
            yield _MALFORMED if kind == "malformed_json" else encode_event(_error_event(event))
            return


def _error_event(before: Json) -> Json:
    number = before["sequence_number"] + 1
    message = "The model breaks off on purpose."
    return {"type": "error", "sequence_number": number, "code": "server_error", "message": message, "param": None}
