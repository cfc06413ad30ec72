"""Reads lines that a person types without a thread: one that is cut off leaves nothing behind that waits."""

import asyncio
import codecs
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_READ_BYTES = 65_536


class Keyboard:
    """Standard input line by line, and Ctrl-C. Use it in one event loop.

    Ctrl-C cancels the task that made this, unless `interrupts_go_to` names something else.
    """

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._typed = ""
        self._has_ended = False
        self._task = asyncio.current_task()
        self._on_interrupt: Callable[[], object] | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person types."""
        return os.isatty(self._descriptor)

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """Take Ctrl-C over for so long."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    @contextmanager
    def interrupts_go_to(self, handle: Callable[[], object]) -> Iterator[None]:
        """Call `handle` at the first Ctrl-C within the block; a second one interrupts as usual."""
        self._on_interrupt = handle
        try:
            yield
        finally:
            self._on_interrupt = None

    async def read_line(self) -> str | None:
        """The next line without its end; None where there is none any more (Ctrl-D, the end of a file)."""
        while "\n" not in self._typed and not self._has_ended:
            content = await self._read()
            self._has_ended = not content
            self._typed += self._decoder.decode(content, final=not content)
        line, end, self._typed = self._typed.partition("\n")
        if self.is_terminal:
            self._has_ended = False  # a terminal goes on after a Ctrl-D
        return line if line or end else None

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        is_there = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, is_there.set)
        except PermissionError:
            return os.read(self._descriptor, _READ_BYTES)  # a file, which never makes one wait
        try:
            await is_there.wait()
        finally:
            loop.remove_reader(self._descriptor)
        return os.read(self._descriptor, _READ_BYTES)

    def _interrupt(self) -> None:
        handle, self._on_interrupt = self._on_interrupt, None
        if handle is not None:
            handle()
        elif self._task is not None:
            self._task.cancel()
