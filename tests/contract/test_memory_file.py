"""What the memory's file must be: an SDK session that several hosts can open over a network file system."""

import asyncio
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from agents import SQLiteSession

from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.network_session import NetworkSQLiteSession
from tests.contract.memories import PLENTY, items_of, names_beside, opened, ref_of, turn_of
from tests.manual_time import SequentialIds

FULL = 2
LOCK_SHARED = """
import fcntl, sys
with open(sys.argv[1], "rb") as file:
    fcntl.lockf(file, fcntl.LOCK_SH, 510, 0x40000002)  # where SQLite locks (sqlite.org/fileformat: the lock-byte page)
    print("locked", flush=True)
    sys.stdin.read()
"""


def _journal(file: Path) -> Path:
    return file.with_name(f"{file.name}-journal")


async def test_the_journal_stays_beside_the_file(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    file = files.path(ref)
    await memory.read_memory(ref, PLENTY)
    for number in (1, 2):
        await memory.append_turns(ref, [turn_of(number)], create=False)
        assert names_beside(files, ref) == [file.name, f"{file.name}-journal"]
        assert _journal(file).stat().st_size > 0


async def test_the_file_is_not_a_wal_database(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.read_memory(ref, PLENTY)
    assert tuple(files.path(ref).read_bytes()[18:20]) == (1, 1)


async def test_a_file_that_was_a_wal_database_is_one_no_more(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    with opened(files.path(ref)) as connection:
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)
    assert tuple(files.path(ref).read_bytes()[18:20]) == (1, 1)
    assert not any(name.endswith(("-wal", "-shm")) for name in names_beside(files, ref))


async def test_every_connection_is_configured_for_a_network_file_system(
    memory: Memory, ref: MemoryRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    configured: list[tuple[object, ...]] = []
    connect, configure = sqlite3.connect, NetworkSQLiteSession._configure_connection

    def counting_connect(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connected.append(args[0])
        return connection

    def counting_configure(connection: sqlite3.Connection) -> None:
        configure(connection)
        pragmas = ("journal_mode", "synchronous", "mmap_size", "busy_timeout")
        configured.append(tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas))

    monkeypatch.setattr(sqlite3, "connect", counting_connect)
    monkeypatch.setattr(NetworkSQLiteSession, "_configure_connection", staticmethod(counting_configure))
    await memory.read_memory(ref, PLENTY)
    assert len(connected) == len(configured) > 0
    await memory.append_turns(ref, [turn_of(1)], create=False)
    await memory.append_turns(ref, [turn_of(2)], create=True)
    assert len(connected) == len(configured)
    assert set(configured) == {("persist", FULL, 0, 20_000)}


async def test_no_connection_stays_open(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.read_memory(ref, PLENTY)
    with opened(files.path(ref)) as connection:
        connection.execute("BEGIN EXCLUSIVE")


@pytest.mark.parametrize("node_id", [None, "triage"])
async def test_the_sdk_knows_the_conversation_by_its_session_key(
    memory: Memory, files: MemoryFiles, ids: SequentialIds, node_id: str | None
) -> None:
    ref = ref_of(ids, node_id)
    await memory.append_turns(ref, [turn_of(1), turn_of(2)], create=True)
    with opened(files.path(ref)) as connection:
        names = connection.execute("SELECT DISTINCT session_id FROM agent_messages").fetchall()
        assert names == [(ref.openai_session_key,)]
        assert connection.execute("SELECT session_id FROM agent_sessions").fetchall() == names


async def test_the_default_session_of_the_sdk_reads_the_same_items(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, tmp_path: Path
) -> None:
    turns = [turn_of(1), turn_of(2)]
    await memory.append_turns(ref, turns, create=True)
    copy = tmp_path / "copy.sqlite"
    shutil.copy(files.path(ref), copy)
    session = SQLiteSession(ref.openai_session_key, copy)
    assert tuple(await session.get_items()) == items_of(*turns)
    session.close()


async def test_a_half_written_transaction_of_a_host_that_died_is_rolled_back(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, ids: SequentialIds
) -> None:
    turns = [turn_of(number, size=2000) for number in range(1, 11)]
    await memory.append_turns(ref, turns, create=True)
    died = MemoryRef(ids.new_id(), ref.openai_session_key)
    _write_half(files.path(ref), files.path(died))
    assert files.path(died).read_bytes() != files.path(ref).read_bytes()
    assert await memory.read_memory(died, PLENTY) == MemorySnapshot(10, items_of(*turns))
    # Another host must not learn, and keep in its cache, that there is no journal.
    assert _journal(files.path(died)).stat().st_size > 0


async def test_two_hosts_roll_back_the_unfinished_transaction_of_one_that_died(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, ids: SequentialIds
) -> None:
    # The other one holds its shared lock for a while, so that rolling back has to wait and to be tried again.
    turns = [turn_of(number, size=2000) for number in range(1, 11)]
    await memory.append_turns(ref, turns, create=True)
    died = MemoryRef(ids.new_id(), ref.openai_session_key)
    _write_half(files.path(ref), files.path(died))
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOCK_SHARED, files.path(died), stdin=PIPE, stdout=PIPE
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert await other.stdout.readline() == b"locked\n"
    reading = asyncio.create_task(memory.read_memory(died, PLENTY))
    adding = asyncio.create_task(memory.append_turns(died, [turn_of(11)], create=True))
    done, _ = await asyncio.wait([reading, adding], timeout=0.5)
    other.stdin.close()
    await other.wait()
    assert not done
    assert (await reading).history[: len(items_of(*turns))] == items_of(*turns)
    assert await adding
    assert await memory.read_memory(died, PLENTY) == MemorySnapshot(11, items_of(*turns, turn_of(11)))


async def test_a_turn_that_is_added_opens_the_file_once(
    memory: Memory, ref: MemoryRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    opened_files: list[object] = []
    connect = sqlite3.connect

    def counting_connect(*args: Any, **options: Any) -> sqlite3.Connection:
        opened_files.append(args[0])
        connection: sqlite3.Connection = connect(*args, **options)
        return connection

    monkeypatch.setattr(sqlite3, "connect", counting_connect)
    await memory.read_memory(ref, PLENTY)
    assert len(opened_files) == 1
    await memory.append_turns(ref, [turn_of(2)], create=False)
    assert len(opened_files) == 2


async def test_a_half_written_journal_that_was_set_aside_spoils_no_new_memory(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, ids: SequentialIds
) -> None:
    await memory.append_turns(ref, [turn_of(number, size=2000) for number in range(1, 11)], create=True)
    died = MemoryRef(ids.new_id(), ref.openai_session_key)
    _write_half(files.path(ref), files.path(died))
    await memory.quarantine(died)
    file = files.path(died)
    assert not {file.name, _journal(file).name} & set(names_beside(files, died))
    assert await memory.read_memory(died, PLENTY) == MemorySnapshot(0, ())
    await memory.append_turns(died, [turn_of(1)], create=False)
    assert await memory.read_memory(died, PLENTY) == MemorySnapshot(1, turn_of(1).items)


def _write_half(file: Path, target: Path) -> None:
    """Leave at `target` what a host leaves that dies while it overwrites `file`: half of the pages, a hot journal."""
    with opened(file) as connection:
        connection.execute("PRAGMA journal_mode=PERSIST")
        connection.execute("PRAGMA cache_size=2")  # pages go to the file long before the commit
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE agent_messages SET message_data = replace(message_data, 'x', 'y')")
        shutil.copy(_journal(file), _journal(target))
        shutil.copy(file, target)
        connection.execute("ROLLBACK")
