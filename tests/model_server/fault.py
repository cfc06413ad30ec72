"""The faults that a test plans: which call one hits, and what the model then answers."""

from dataclasses import dataclass, fields

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
        "raw",
    }
)


@dataclass
class Fault:
    """One planned fault.

    Attributes:
        kind: what goes wrong, one of KINDS.
        skip: how many matching calls pass before it starts.
        times: how many matching calls it hits.
        status: HTTP status of the kinds `status` and `raw`.
        retry_after: the `Retry-After` header of the kind `status`, in seconds.
        agent: `vibecoder` or `evaluator` to hit only its calls.
        code: error code of the kind `status`, such as `insufficient_quota`.
        bytes: length of the text of the kind `huge_output`, in characters.
        after_headers: whether `cut_before` sends status and headers first.
        body: what the kind `raw` sends; with `base64` it is that, for bytes that are no text.
        content_type: its media type.
        headers: its further headers.
        repeat: how many times the body is sent, one after the other.
        cut: whether the connection then breaks, instead of the answer ending.
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
    body: str = ""
    base64: bool = False
    content_type: str = "text/event-stream"
    headers: dict[str, str] | None = None
    repeat: int = 1
    cut: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of fault: {self.kind!r}.")
        if self.agent not in (None, "vibecoder", "evaluator"):
            raise ValueError(f"Unknown agent: {self.agent!r}.")
        for name in ("skip", "times", "status", "bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"{name} must be an integer, at least 0.")
        lowest = 200 if self.kind == "raw" else 400
        if not lowest <= self.status <= 599:
            raise ValueError(f"status must be from {lowest} to 599.")


class FaultPlan:
    """The faults that are planned. Each counts the calls that it lets pass from when it is added."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def __len__(self) -> int:
        """The number of faults that are not used up."""
        return len(self._planned)

    def add(self, given: object) -> None:
        """Plan more faults: a list of objects with the fields of Fault. Raises ValueError, and plans nothing."""
        if not isinstance(given, list) or not all(isinstance(fault, dict) for fault in given):
            raise ValueError("Faults are a JSON list of objects.")
        known = {field.name for field in fields(Fault)}
        for fault in given:
            if not isinstance(fault.get("kind"), str) or not set(fault) <= known:
                raise ValueError(f"A fault has a kind and may have: {', '.join(sorted(known))}.")
        self._planned += [Fault(**fault) for fault in given]

    def clear(self) -> None:
        """Drop all faults."""
        self._planned.clear()

    def next_fault(self, agent: str) -> Fault | None:
        """Count a call of an agent. Returns the first fault, in the order they were added, that is due."""
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
