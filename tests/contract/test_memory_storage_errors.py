"""What every Memory owes when its file is locked or out of reach: a TurnError that says whether to try again."""

import asyncio
import shutil
import sqlite3
import sys

import pytest

from backend.app.domain.errors import TurnError
from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.memory import network_session
from backend.app.memory.memory_files import MemoryFiles
from tests.contract.memories import PLENTY, HeldTurns, items_of, opened, turn_of

LOCK_IT = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute('BEGIN IMMEDIATE')"
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for a moment only."""
    monkeypatch.setattr(network_session, "_BUSY_MILLISECONDS", 20)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
async def test_adding_to_a_memory_that_stays_locked_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, lock: str
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    with opened(files.path(ref)) as connection:
        connection.execute(f"BEGIN {lock}")
        with pytest.raises(TurnError) as caught:
            await memory.append_turns(ref, [turn_of(2)], create=False)
    assert (caught.value.code, caught.value.retryable) == ("memory_busy", True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)
    await memory.append_turns(ref, [turn_of(2)], create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(2, items_of(turn_of(1), turn_of(2)))


@pytest.mark.usefixtures("impatient")
async def test_reading_a_memory_that_stays_locked_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    with opened(files.path(ref)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TurnError) as caught:
            await memory.read_memory(ref, PLENTY)
    assert (caught.value.code, caught.value.retryable) == ("memory_busy", True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)


@pytest.mark.usefixtures("impatient")
async def test_creating_a_memory_that_stays_locked_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    file = files.make_folder(ref)
    with opened(file) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TurnError) as caught:
            await memory.read_memory(ref, PLENTY)
    assert (caught.value.code, caught.value.retryable) == ("memory_busy", True)


async def test_a_memory_that_is_locked_for_a_moment_is_waited_for(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    with opened(files.path(ref)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        reading = asyncio.create_task(memory.read_memory(ref, PLENTY))
        adding = asyncio.create_task(memory.append_turns(ref, [turn_of(1)], create=False))
        done, _ = await asyncio.wait([reading, adding], timeout=0.05)
        assert not done
    async with asyncio.timeout(10):
        assert await reading == MemorySnapshot(1, turn_of(1).items)
        await adding


async def test_a_reader_does_not_wait_for_one_who_prepares_to_write(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    with opened(files.path(ref)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(5):
            assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)


async def check_each_call_is_to_be_tried_again(memory: Memory, ref: MemoryRef) -> None:
    for call in (
        memory.read_memory(ref, PLENTY),
        memory.append_turns(ref, [turn_of(1)], create=True),
        memory.append_turns(ref, [turn_of(1)], create=False),
    ):
        with pytest.raises(TurnError) as caught:
            await call
        assert (caught.value.code, caught.value.retryable) == ("memory_unavailable", True)


async def test_a_folder_that_cannot_be_made_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    folder = files.path(ref).parent
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    await check_each_call_is_to_be_tried_again(memory, ref)


async def test_a_file_that_cannot_be_opened_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    files.path(ref).mkdir(parents=True)
    await check_each_call_is_to_be_tried_again(memory, ref)


@pytest.mark.parametrize("limit", ["query_only=1", "max_page_count=1"], ids=["read-only", "full"])
async def test_a_disk_that_takes_nothing_is_to_be_tried_again(
    memory: Memory, ref: MemoryRef, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    configure = network_session.NetworkSQLiteSession._configure_connection

    def limited(connection: sqlite3.Connection) -> None:
        configure(connection)
        connection.execute(f"PRAGMA {limit}")

    with monkeypatch.context() as patch:
        patch.setattr(network_session.NetworkSQLiteSession, "_configure_connection", staticmethod(limited))
        with pytest.raises(TurnError) as caught:
            await memory.append_turns(ref, [turn_of(2, size=50_000)], create=False)
    assert (caught.value.code, caught.value.retryable) == ("memory_unavailable", True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)
    await memory.append_turns(ref, [turn_of(2)], create=False)
    assert (await memory.read_memory(ref, PLENTY)).last_number == 2


async def test_a_folder_that_was_removed_is_made_again(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    shutil.rmtree(files.path(ref).parent)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(0, ())
    shutil.rmtree(files.path(ref).parent)
    assert await memory.append_turns(ref, [turn_of(1)], create=True)


async def test_a_second_commit_of_the_process_leaves_the_locks_of_the_first_alone(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    # POSIX drops all of a process's locks on a file when it closes any descriptor of that file.
    await memory.append_turns(ref, [turn_of(1)], create=True)
    held = HeldTurns(turn_of(2), turn_of(3))
    first = asyncio.create_task(memory.append_turns(ref, held, create=False))
    await asyncio.to_thread(held.reached.wait, 10)
    second = asyncio.create_task(memory.append_turns(ref, [turn_of(4)], create=False))
    await asyncio.wait([second], timeout=0.2)
    locking = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOCK_IT, files.path(ref), stderr=asyncio.subprocess.PIPE
    )
    _, said = await locking.communicate()
    held.go_on.set()
    assert await first
    assert await second
    assert "database is locked" in said.decode()
    assert (await memory.read_memory(ref, PLENTY)).last_number == 4
