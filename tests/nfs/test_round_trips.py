"""What a turn costs: the memory is read when it begins and added to when it ends, and each call is a round trip."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.app.domain.messages.message import CompletedTurn, TurnRef
from backend.app.domain.turns.memory_sync import MemorySync
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from tests.contract.memories import PLENTY
from tests.nfs.conftest import Report, SharedFolder
from tests.nfs.ledger import Ledger
from tests.nfs.round_trips import calls_so_far, describe

MOST = 75
TURNS_BEFORE = 8
UNPRIVILEGED = 65534
ROOT = 0

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop caches and become another user")


def turn_of_seven_items(number: int) -> CompletedTurn:
    items = tuple({"role": "user", "content": f"{number}.{position} " + "x" * 600} for position in range(7))
    return CompletedTurn(number, f"message-{number}", items)


@contextmanager
def as_user(user: int) -> Iterator[None]:
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(ROOT)


async def one_turn(folder: Path, ledger: Ledger, user: int) -> tuple[Counter[str], Counter[str]]:
    """Read the memory and add a turn, as a worker does. Returns the calls of each."""
    session = ledger.session()
    memory_sync = MemorySync(SQLiteMemory(MemoryFiles(folder)), ledger, PLENTY)  # type: ignore[arg-type]
    turn = turn_of_seven_items(session.completed_number + 1)
    ref = TurnRef(turn.message_id, session.session_id, session.project_id, turn.number, 1)
    before = calls_so_far(folder.parent)
    with as_user(user):
        snapshot = await memory_sync.refresh(session)
    read = calls_so_far(folder.parent)
    assert len(snapshot.history) == 7 * session.completed_number
    assert ledger.complete(turn)
    with as_user(user):
        await memory_sync.commit(session, ref, turn)
    return read - before, calls_so_far(folder.parent) - read


def drop_caches() -> None:
    """What a host knows that never saw the memory before."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


@needs_root
@pytest.mark.parametrize("user", [UNPRIVILEGED, ROOT], ids=["as a Lambda's user", "as root"])
@pytest.mark.parametrize("state", ["the same host wrote last", "another host wrote last", "the host is new"])
async def test_a_turn_takes_75_round_trips_at_most(
    shared: SharedFolder, ledger: Ledger, report: Report, state: str, user: int
) -> None:
    for _ in range(TURNS_BEFORE):
        await one_turn(shared.clients[0], ledger, user)
    if state == "another host wrote last":
        await one_turn(shared.clients[1], ledger, user)  # it has seen the folder
    turns = []
    for number in range(4):
        client = 0 if state == "the same host wrote last" else (number + 1) % 2
        if state == "the host is new":
            drop_caches()
        turns.append(await one_turn(shared.clients[client], ledger, user))
    read, added = max(turns, key=lambda turn: turn[0].total() + turn[1].total())
    totals = [read.total() + added.total() for read, added in turns]
    report(f"round trips of a turn, {state}, uid {user}: {totals}; the dearest: {describe(read)} + {describe(added)}")
    assert max(totals) <= MOST
