"""What goes wrong on purpose: which call it hits, and what the model then answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum

from backend.local.rehearsal.reply import CallTool, Json, Reply, Say
from backend.local.rehearsal.rules import PATCH_TOOL, submit_again
from backend.local.rehearsal.stream import DELTAS_BEFORE_A_BREAK, Ending, encode_event

KINDS = frozenset(
    {
        "status",
        "cut_before",
        "cut_mid_stream",
        "clean_eof",
        "stall",
        "malformed_json",
        "error_event",
        "incomplete",
        "failed",
        "unknown_tool",
        "bad_patch",
        "huge_output",
        "bad_review",
        "tool_loop",
    }
)
_MALFORMED = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta"\n\n'
_BAD_DIFF = "@@\n this line is in no file\n-nor is this one\n+so this cannot be added\n"


@dataclass
class Fault:
    """One planned fault.

    Attributes:
        kind: What goes wrong, one of `KINDS`.
        skip: How many matching calls pass before it starts.
        times: How many matching calls it hits.
        status: HTTP status of the kind `status`.
        retry_after: Value of the `Retry-After` header of the kind `status`, in seconds.
        agent: `vibecoder` or `evaluator` to hit only its calls.
        code: Error code of the kind `status`, such as `insufficient_quota`.
        bytes: Length of the text of the kind `huge_output`, in characters.
        after_headers: Whether `cut_before` sends status and headers first.
    """

    kind: str
    skip: int = 0
    times: int = 1
    status: int = 500
    retry_after: float | str | None = None
    agent: str | None = None
    code: str | None = None
    bytes: int = 1_000_000
    after_headers: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of fault: {self.kind!r}.")
        if self.agent not in (None, "vibecoder", "evaluator"):
            raise ValueError(f"Unknown agent: {self.agent!r}.")
        for name in ("skip", "times", "status", "bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"{name} must be a whole number, at least 0.")
        if not 400 <= self.status <= 599:
            raise ValueError("status must be from 400 to 599.")


class FaultBook:
    """The faults that are planned. Each counts the calls it lets pass from the moment it is added."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def __len__(self) -> int:
        """The number of faults that are not used up."""
        return len(self._planned)

    def add(self, given: object) -> None:
        """Plan more faults.

        Args:
            given: A list of objects with the fields of `Fault`.

        Raises:
            ValueError: it is something else; then nothing is planned.
        """
        if not isinstance(given, list) or not all(isinstance(fault, dict) for fault in given):
            raise ValueError("Faults are a JSON list of objects.")
        known = {field.name for field in fields(Fault)}
        for fault in given:
            if not isinstance(fault.get("kind"), str) or not set(fault) <= known:
                raise ValueError(f"A fault has a kind and may have: {', '.join(sorted(known))}.")
        self._planned += [Fault(**fault) for fault in given]

    def clear(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def take(self, agent: str) -> Fault | None:
        """Find the fault that hits a call, and count the call.

        Args:
            agent: Who calls: `vibecoder` or `evaluator`.

        Returns:
            The first fault in the order they were added that is due, or None.
        """
        hit = None
        for fault in self._planned:
            if fault.agent not in (None, agent):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif hit is None and fault.times > 0:
                hit, fault.times = fault, fault.times - 1
        self._planned = [fault for fault in self._planned if fault.times > 0]
        return hit


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
