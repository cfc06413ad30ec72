"""Runs work on text in a child process, for a server whose event loop serves several users."""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar, cast

T = TypeVar("T")

# Work on smaller arguments takes at most some 20 ms, mostly less than sending it to the child. Most sources are small.
MAX_INLINE_BYTES = 8_192


class ProcessOffloader:
    """The Offloader of the local engine: runs small work inline, larger work sequentially in a child process.

    A thread does not help: parsing Python or JSON holds the interpreter's lock to its end. The child starts when it is
    first needed; it inherits no environment variables, since some hold keys.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="offloader")
        self._child: subprocess.Popen[bytes] | None = None

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """See Offloader."""
        call = pickle.dumps((function, arguments))  # contains the texts of all arguments
        if len(call) <= MAX_INLINE_BYTES:
            return function(*arguments)
        result: T = await asyncio.get_running_loop().run_in_executor(self._thread, self._send, call)
        return result

    async def close(self) -> None:
        """Finish pending work and end the child. Safe to repeat."""
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
            start_new_session=True,  # Ctrl-C must reach only the server, which ends the child
        )
        return self._child

    def _end(self, child: subprocess.Popen[bytes]) -> int:
        self._child = None
        with child:  # closes its pipes and waits for it
            child.kill()
        return child.returncode
