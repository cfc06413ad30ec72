"""What every Memory owes when its file is locked or out of reach: a TurnError that says whether to try again."""

import asyncio

import pytest

from backend.app.domain.errors import TurnError
from backend.app.domain.ports import Memory, MemoryRef, MemorySnapshot
from backend.app.memory import sqlite_memory
from backend.app.memory.memory_files import MemoryFiles
from tests.contract.memories import PLENTY, items_of, opened, turn_of


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for a moment only."""
    monkeypatch.setattr(sqlite_memory, "_BUSY_MILLISECONDS", 20)


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


async def test_a_folder_that_cannot_be_made_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    folder = files.path(ref).parent
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    for call in (
        memory.read_memory(ref, PLENTY),
        memory.append_turns(ref, [turn_of(1)], create=True),
        memory.append_turns(ref, [turn_of(1)], create=False),
    ):
        with pytest.raises(TurnError) as caught:
            await call
        assert (caught.value.code, caught.value.retryable) == ("memory_unavailable", True)


async def test_a_file_that_cannot_be_opened_is_to_be_tried_again(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    files.path(ref).mkdir(parents=True)
    for call in (
        memory.read_memory(ref, PLENTY),
        memory.append_turns(ref, [turn_of(1)], create=True),
        memory.append_turns(ref, [turn_of(1)], create=False),
    ):
        with pytest.raises(TurnError) as caught:
            await call
        assert (caught.value.code, caught.value.retryable) == ("memory_unavailable", True)
