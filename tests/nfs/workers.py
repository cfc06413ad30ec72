"""Workers on the hosts of a shared folder: processes of their own, so that they can be killed and cut off."""

import asyncio
import multiprocessing
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import cast

from backend.app.domain.errors import MemoryCorruptError, MemoryMissingError, TurnError, TurnFencedError
from backend.app.domain.messages.message import CompletedTurn, Item, TurnRef
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.domain.turns.ports import TurnStore
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.network_session import NetworkSQLiteSession
from backend.app.memory.sqlite_memory import SQLiteMemory
from tests.contract.memories import HeldTurns
from tests.nfs.ledger import Ledger

_TOKEN_BUDGET = 20_000
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])  # the Agents SDK takes long to import: once is enough


class WatchedMemory(SQLiteMemory):
    """A memory that records in the ledger what it reports, and signals while it is being written."""

    def __init__(self, folder: Path, ledger: Ledger, writing: "Synchronized[int] | None" = None) -> None:
        super().__init__(MemoryFiles(folder))
        self._ledger = ledger
        self._writing = writing

    async def append_turns(
        self, ref: MemoryRef, turns: Sequence[CompletedTurn], *, create: bool, after: int = 0
    ) -> bool:
        """See Memory."""
        self._signal(1)
        done = await super().append_turns(ref, turns, create=create, after=after)
        self._signal(0)
        if done:
            self._ledger.note_kept(turns[-1].number)
        return done

    async def quarantine(self, ref: MemoryRef) -> None:
        """See Memory."""
        self._ledger.note("quarantined", ref.session_id)
        await super().quarantine(ref)

    def _signal(self, writing: int) -> None:
        if self._writing is not None:
            self._writing.value = writing


def memory_sync_of(folder: Path, ledger: Ledger, writing: "Synchronized[int] | None" = None) -> MemorySync:
    """What a worker on that host has of the memories."""
    return MemorySync(WatchedMemory(folder, ledger, writing), cast(TurnStore, ledger), _TOKEN_BUDGET)


@dataclass
class Worker:
    """A process on one host that completes turns of the ledger's session, as long as it is let."""

    folder: Path
    ledger_file: Path
    seed: int
    last_turn: int
    spills: bool = False
    stop: Event = field(default_factory=_PROCESSES.Event)
    writing: "Synchronized[int]" = field(default_factory=lambda: cast("Synchronized[int]", _PROCESSES.Value("i", 0)))

    def start(self) -> ForkServerProcess:
        process = _PROCESSES.Process(target=_work, args=(self,))
        process.start()
        return process


def _work(worker: Worker) -> None:
    if worker.spills:
        spill_early()
    asyncio.run(_complete_turns(worker))


async def _complete_turns(worker: Worker) -> None:
    ledger, chance = Ledger(worker.ledger_file), random.Random(worker.seed)
    memory_sync = memory_sync_of(worker.folder, ledger, worker.writing)
    while not worker.stop.is_set() and ledger.session().completed_number < worker.last_turn:
        try:
            await _complete_turn(memory_sync, ledger, chance)
        except (TurnError, TurnFencedError) as error:
            if isinstance(error, TurnError) and not error.retryable:
                ledger.note("wrong", repr(error))
            ledger.note("retried", getattr(error, "code", "fenced"))
        except BaseException as error:
            ledger.note("wrong", repr(error))
            raise


async def _complete_turn(memory_sync: MemorySync, ledger: Ledger, chance: random.Random) -> None:
    kept = ledger.kept()
    session = ledger.session()
    snapshot = await memory_sync.refresh(session)
    if snapshot.last_number < kept:
        ledger.note("wrong", f"turn {kept} was there, and now {snapshot.last_number} is the newest")
    if snapshot.history != ledger.history(snapshot.last_number, len(snapshot.history)):
        ledger.note("wrong", f"the history up to turn {snapshot.last_number} is not what was said")
    turn = turn_of(session.completed_number + 1, chance)
    if ledger.complete(turn):
        ref = TurnRef(turn.message_id, session.session_id, session.project_id, turn.number, 1)
        await memory_sync.commit(session, ref, turn)


def turn_of(number: int, chance: random.Random) -> CompletedTurn:
    """A turn of a few items; one in ten is likely to be too large for the cache of `spill_early`."""
    size = 40_000 if chance.random() < 0.1 else 500
    items: list[Item] = [
        {"role": "user", "content": f"{number}.{position} " + "x" * chance.randrange(size)}
        for position in range(chance.randrange(1, 8))
    ]
    return CompletedTurn(number, f"message-{number}-{chance.randrange(10**9)}", tuple(items))


def small_turn(number: int) -> CompletedTurn:
    """A turn of a few pages."""
    return CompletedTurn(number, f"message-{number}", tuple({"role": "user", "content": "x" * 4000} for _ in range(3)))


def large_turn(number: int) -> CompletedTurn:
    """A turn that does not fit into the cache of `spill_early`."""
    return CompletedTurn(number, f"message-{number}", tuple({"role": "user", "content": "x" * 4000} for _ in range(60)))


def spill_early() -> None:
    """Let SQLite's cache be so small that a transaction's pages are in the file long before its commit."""
    configure = NetworkSQLiteSession._configure_connection

    def configure_and_shrink(connection: sqlite3.Connection) -> None:
        configure(connection)
        connection.execute("PRAGMA cache_size=4")

    NetworkSQLiteSession._configure_connection = staticmethod(configure_and_shrink)  # type: ignore[method-assign, assignment]


@dataclass
class HeldWriter:
    """A process that stops in the middle of a commit, with pages of it in the file, until it is resumed."""

    folder: Path
    ledger_file: Path
    first: int
    reached: Event = field(default_factory=_PROCESSES.Event)
    go_on: Event = field(default_factory=_PROCESSES.Event)

    def start(self) -> ForkServerProcess:
        process = _PROCESSES.Process(target=_write_and_hold, args=(self,))
        process.start()
        return process


def _write_and_hold(writer: HeldWriter) -> None:
    spill_early()
    ledger = Ledger(writer.ledger_file)
    outcome = asyncio.run(_outcome_of_held_write(writer, ledger))
    ledger.note("held writer", outcome)


async def _outcome_of_held_write(writer: HeldWriter, ledger: Ledger) -> str:
    held = HeldTurns(large_turn(writer.first), large_turn(writer.first + 1))
    memory = WatchedMemory(writer.folder, ledger)
    writing = asyncio.create_task(memory.append_turns(ledger.ref, held, create=False, after=writer.first - 1))
    await asyncio.to_thread(held.reached.wait)
    writer.reached.set()
    await asyncio.to_thread(writer.go_on.wait)
    held.go_on.set()
    try:
        return f"added: {await writing}"
    except TurnError as error:
        return f"{error.code}, retryable: {error.retryable}, {error.detail}"
    except (MemoryCorruptError, MemoryMissingError) as error:
        return f"{type(error).__name__}: {error}"


def end(processes: Sequence[ForkServerProcess], timeout: float) -> None:
    """Wait until the processes have ended. Raises TimeoutError and kills the processes that are left."""
    for process in processes:
        process.join(timeout)
    left = [process for process in processes if process.is_alive()]
    for process in left:
        process.kill()
    if left:
        raise TimeoutError(f"{len(left)} processes did not end in {timeout:g} s")


def let_go(release: Callable[[], None], process: ForkServerProcess) -> None:
    """At a test's end, passed or failed: resume the process and wait for its exit."""
    release()
    with suppress(TimeoutError):
        end([process], 60)
