"""A Lambda's sandbox: `python -m tests.aws_stack.sandbox MODULE` loads one function and answers one event at a time.

Reads events as lines of JSON from standard input, and writes what the handler returned, or raised, to where standard
output was; the function's own output goes to standard error, as its log.
"""

import importlib
import json
import os
import sys
import time
import uuid
from dataclasses import dataclass
from typing import IO, Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What the runtime passes to a handler about its invocation."""

    function_name: str
    aws_request_id: str
    deadline: float
    memory_limit_in_mb: int = 1024

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        _answer(module.handler, json.loads(line), answers)


def _answer(handler: Any, asked: Json, answers: IO[str]) -> None:
    context = Context(sys.argv[1], str(uuid.uuid4()), time.monotonic() + asked["timeout"])
    try:
        answer = {"answer": handler(asked["event"], context)}
    except Exception as error:  # noqa: BLE001 - an exception of a handler is reported, as by Lambda
        answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
