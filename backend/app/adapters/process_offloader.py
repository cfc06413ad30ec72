"""Work on text in a process of its own, for a server whose event loop serves several people."""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar, cast

T = TypeVar("T")

# Up to here every work takes some 20 ms at most, and mostly less than sending it away. Most sources are smaller.
MOST_BYTES_AT_ONCE = 8_192


class ProcessOffloader:
    """The Offloader of the local engine: small work at once, larger work one after another in a child process.

    A thread would not do: what parses Python or JSON keeps the interpreter's lock until it is done. The child
    starts when it is first needed; it gets no variable of the environment, for keys are among them.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="offloader")
        self._child: subprocess.Popen[bytes] | None = None

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """See Offloader."""
        call = pickle.dumps((function, arguments))  # a copy of the texts, wherever in the arguments they are
        if len(call) <= MOST_BYTES_AT_ONCE:
            return function(*arguments)
        result: T = await asyncio.get_running_loop().run_in_executor(self._thread, self._send, call)
        return result

    async def close(self) -> None:
        """Finish the work in hand and end the child. Safe to repeat."""
        await asyncio.to_thread(self._thread.shutdown)
        if self._child is not None:
            self._end(self._child)

    def _send(self, call: bytes) -> Any:
        child = self._child or self._start()
        calls, answers = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)
        try:
            calls.write(call)
            calls.flush()
            result, error = pickle.load(answers)  # noqa: S301  the child runs this program and no other
        except (OSError, EOFError) as broken:
            raise RuntimeError(f"The process for work on text died with {self._end(child)}") from broken
        if error is not None:
            raise error
        return result

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "backend.app.adapters.offloaded_work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,  # Ctrl-C is for the server, which ends the child
        )
        return self._child

    def _end(self, child: subprocess.Popen[bytes]) -> int:
        self._child = None
        with child:  # closes its pipes and waits for it
            child.kill()
        return child.returncode
