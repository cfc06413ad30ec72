"""What a planned fault does to one answer."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from enum import Enum

from backend.local.rehearsal.faults import Fault
from backend.local.rehearsal.reply import CallTool, Json, Reply, Say
from backend.local.rehearsal.rules import PATCH_TOOL, submit_again
from backend.local.rehearsal.stream import DELTAS_BEFORE_A_BREAK, Ending, encode_event

_MALFORMED = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta"\n\n'
_BAD_DIFF = "@@\n this line is in no file\n-nor is this one\n+so this cannot be added\n"


def faulty_reply(fault: Fault, reply: Reply, request: Json) -> Reply:
    """Say what the model answers under a fault.

    Args:
        fault: The fault.
        reply: What it would answer.
        request: Body of the model call.

    Returns:
        Another answer, or the same one when the fault is not about the answer.
    """
    if fault.kind == "unknown_tool":
        return CallTool("run_shell", json.dumps({"command": "true"}))
    if fault.kind == "bad_patch":
        return CallTool(PATCH_TOOL, json.dumps({"diff": _BAD_DIFF}))
    if fault.kind == "huge_output":
        return Say(("many words " * (fault.bytes // 11 + 1))[: fault.bytes])
    if fault.kind == "bad_review":
        return Say("Looks good to me.")
    return submit_again(request) if fault.kind == "tool_loop" else reply


def raw_body(fault: Fault) -> bytes:
    """Say what an answer of the kind `raw` is.

    Args:
        fault: The fault.

    Returns:
        The bytes, once.
    """
    return b64decode(fault.body) if fault.base64 else fault.body.encode()


def ending_of(fault: Fault | None) -> Ending:
    """Say how the response ends.

    Args:
        fault: The fault of this call, if any.

    Returns:
        `completed` unless the fault is another ending.
    """
    if fault is not None and fault.kind == "incomplete":
        return "incomplete"
    return "failed" if fault is not None and fault.kind == "failed" else "completed"


class Break(Enum):
    """How a stream stops early."""

    CUT = "the connection breaks"
    STALL = "nothing more comes"


def faulty_stream(events: Iterator[Json], kind: str | None) -> Iterator[Json | bytes | Break]:
    """Let a stream go wrong.

    Args:
        events: The events of the response.
        kind: Kind of the fault, if any.

    Yields:
        Events, bytes that are no event, and at the end a `Break` unless the stream ends cleanly.
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
    message = "The rehearsal model breaks off on purpose."
    number = before["sequence_number"] + 1
    return {"type": "error", "sequence_number": number, "code": "server_error", "message": message, "param": None}
