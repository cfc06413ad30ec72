"""What the suites of the memory start from: refs, turns, and hands on the files themselves."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import overload

from backend.app.domain.messages.message import CompletedTurn, Item
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.memory.memory_files import MemoryFiles
from tests.manual_time import SequentialIds

PLENTY = 10**9


def ref_of(ids: SequentialIds, node_id: str | None = None) -> MemoryRef:
    """A new session of a new project."""
    key = f"project_{ids.new_id()}"
    return MemoryRef(ids.new_id(), key if node_id is None else f"{key}_node_{node_id}")


def turn_of(number: int, size: int = 50) -> CompletedTurn:
    """A turn of three items, one of them of so many characters."""
    items: tuple[Item, ...] = (
        {"role": "user", "content": f"Question {number}, né ☂"},
        {"type": "function_call", "call_id": f"call_{number}", "name": "patch", "arguments": "x" * size},
        {"type": "function_call_output", "call_id": f"call_{number}", "output": {"taken": True, "why": None}},
    )
    return CompletedTurn(number, f"message-{number}", items)


def items_of(*turns: CompletedTurn) -> tuple[Item, ...]:
    return tuple(item for turn in turns for item in turn.items)


def tokens_of(*turns: CompletedTurn) -> int:
    """About how many tokens the turns are: four bytes each."""
    return len(json.dumps(items_of(*turns))) // 4


class HeldTurns(Sequence[CompletedTurn]):
    """Turns of which the last one comes late: the writer stops in the middle of the transaction."""

    def __init__(self, *turns: CompletedTurn) -> None:
        self._turns = turns
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __len__(self) -> int:
        return len(self._turns)

    @overload
    def __getitem__(self, index: int) -> CompletedTurn: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CompletedTurn]: ...
    def __getitem__(self, index: int | slice) -> CompletedTurn | Sequence[CompletedTurn]:
        if index == len(self._turns) - 1:
            self.reached.set()
            self.go_on.wait()
        return self._turns[index]


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection to the memory's file, without the settings of Memory."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
        yield connection


def names_beside(files: MemoryFiles, ref: MemoryRef) -> list[str]:
    """The names of what lies in the memory's folder."""
    folder = files.path(ref).parent
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []
