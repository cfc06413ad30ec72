"""A memory's file goes or breaks on one host while another has it open, or has just looked at it."""

import sqlite3
from contextlib import closing, nullcontext

import pytest

from backend.app.domain.errors import MemoryMissingError
from backend.app.domain.sessions.memory import MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from tests.contract.memories import PLENTY
from tests.nfs.conftest import Report, SharedFolder
from tests.nfs.ledger import Ledger
from tests.nfs.on_server import check_nothing_is_lost_or_torn, names_on_server
from tests.nfs.test_cut_off_hosts import complete_turn_on
from tests.nfs.workers import HeldWriter, end, large_turn, let_go, memory_sync_of


async def filled(shared: SharedFolder, ledger: Ledger) -> None:
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
        await memory_sync_of(shared.clients[client], ledger).refresh(ledger.session())


@pytest.mark.parametrize("eraser", [1, 0], ids=["from another host", "from the same host"])
async def test_a_session_erased_during_a_write_is_erased_when_the_writer_closes_it(
    shared: SharedFolder, ledger: Ledger, report: Report, eraser: int
) -> None:
    await filled(shared, ledger)
    held_by = 0
    erasing = SQLiteMemory(MemoryFiles(shared.clients[eraser]))
    held = HeldWriter(shared.clients[held_by], ledger.file, first=4)
    process = held.start()
    try:
        assert held.reached.wait(120)
        with pytest.raises(OSError, match="busy") if eraser == held_by else nullcontext():
            await erasing.erase_memory(ledger.ref)
        left = names_on_server(shared.server, ledger.ref)
        assert not any(name.startswith(ledger.ref.session_id) for name in left)
        held.go_on.set()
        end([process], 180)
    finally:
        let_go(held.go_on.set, process)
    outcome = ledger.notes("held writer")
    report(f"erased in mid-commit from host {eraser}: files left {len(left)}, the writer: {outcome}")
    # Whether the server took its last writes or not, nothing may come back of them.
    assert names_on_server(shared.server, ledger.ref) == []
    await erasing.erase_memory(ledger.ref)
    assert not MemoryFiles(shared.server).path(ledger.ref).parent.exists()


async def test_an_erased_session_is_not_written_by_a_host_that_had_just_read_it(
    shared: SharedFolder, ledger: Ledger
) -> None:
    await filled(shared, ledger)
    await SQLiteMemory(MemoryFiles(shared.clients[1])).erase_memory(ledger.ref)
    with pytest.raises(MemoryMissingError):
        await SQLiteMemory(MemoryFiles(shared.clients[0])).append_turns(ledger.ref, [large_turn(4)], create=False)
    assert not MemoryFiles(shared.server).path(ledger.ref).parent.exists()


async def test_a_key_begins_anew_on_a_host_that_still_remembers_its_erased_folder(
    shared: SharedFolder, ledger: Ledger
) -> None:
    await filled(shared, ledger)
    await SQLiteMemory(MemoryFiles(shared.clients[1])).erase_memory(ledger.ref)
    for client in (0, 2):
        snapshot = await SQLiteMemory(MemoryFiles(shared.clients[client])).read_memory(ledger.ref, PLENTY)
        assert snapshot == MemorySnapshot(0, ())


@pytest.mark.parametrize("loss", ["removed", "emptied", "overwritten", "cut off", "torn"])
async def test_a_memory_that_is_lost_or_damaged_is_rebuilt_by_any_host(
    shared: SharedFolder, ledger: Ledger, loss: str
) -> None:
    for client in (0, 1, 2):
        await filled(shared, ledger)
        damage(shared, ledger, loss, by=client)
        await complete_turn_on(shared, ledger, (client + 1) % 3)
        for reader in (0, 1, 2):
            snapshot = await memory_sync_of(shared.clients[reader], ledger).refresh(ledger.session())
            assert snapshot.last_number == ledger.session().completed_number
        assert await check_nothing_is_lost_or_torn(shared.server, ledger) == ledger.session().completed_number


def damage(shared: SharedFolder, ledger: Ledger, loss: str, by: int) -> None:
    """Lose or damage the memory's file, from that host."""
    file = MemoryFiles(shared.clients[by]).path(ledger.ref)
    if loss == "removed":
        file.unlink()
    elif loss == "emptied":
        file.write_bytes(b"")
    elif loss == "overwritten":
        file.write_bytes(b"garbage" * 5000)
    elif loss == "cut off":
        file.write_bytes(file.read_bytes()[:20_000])
    else:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=PERSIST")
            connection.execute("DELETE FROM agent_messages WHERE id = (SELECT max(id) - 2 FROM agent_messages)")
            connection.commit()
