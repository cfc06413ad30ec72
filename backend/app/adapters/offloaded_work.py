"""The child process of a ProcessOffloader: runs calls from its input sequentially until the input ends."""

import pickle
import sys
import traceback
from typing import BinaryIO


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer each `(function, arguments)` with `(result, None)`, or with `(None, error)` where it raised."""
    while True:
        try:
            function, arguments = pickle.load(calls)  # noqa: S301  the parent's own calls
        except EOFError:
            return
        answer: tuple[object, Exception | None]
        try:
            answer = (function(*arguments), None)
        except Exception as error:  # noqa: BLE001  raised again in the parent
            error.add_note(traceback.format_exc())
            answer = (None, error)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
