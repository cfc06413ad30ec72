"""What goes wrong on purpose: which call it hits, and what the model then answers."""

from __future__ import annotations

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
        kind: What goes wrong, one of `KINDS`.
        skip: How many matching calls pass before it starts.
        times: How many matching calls it hits.
        status: HTTP status of the kinds `status` and `raw`.
        retry_after: Value of the `Retry-After` header of the kind `status`, in seconds.
        agent: `vibecoder` or `evaluator` to hit only its calls.
        code: Error code of the kind `status`, such as `insufficient_quota`.
        bytes: Length of the text of the kind `huge_output`, in characters.
        after_headers: Whether `cut_before` sends status and headers first.
        body: What the kind `raw` sends, whatever it is; with `base64` it is that, for bytes that are no text.
        content_type: Its media type.
        headers: Its further headers.
        repeat: How many times the body is sent, one after the other.
        cut: Whether the connection then breaks, instead of the answer ending.
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
                raise ValueError(f"{name} must be a whole number, at least 0.")
        lowest = 200 if self.kind == "raw" else 400
        if not lowest <= self.status <= 599:
            raise ValueError(f"status must be from {lowest} to 599.")


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
