"""Contract of Memory. Its budget, its file, damage and storage errors have suites of their own."""

import asyncio

import pytest

from backend.app.domain.errors import MemoryMissingError
from backend.app.domain.messages.message import CompletedTurn
from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from tests.contract.memories import PLENTY, items_of, names_beside, ref_of, turn_of
from tests.manual_time import SequentialIds

NOTHING = MemorySnapshot(0, ())


async def test_a_memory_that_is_not_there_is_created_empty(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    assert await memory.read_memory(ref, PLENTY) == NOTHING
    assert files.path(ref).is_file()
    assert await memory.read_memory(ref, PLENTY) == NOTHING
    await memory.append_turns(ref, [turn_of(1)], create=False)


async def test_turns_are_read_completely_and_in_order(memory: Memory, ref: MemoryRef) -> None:
    turns = [turn_of(1), turn_of(2), turn_of(5)]
    await memory.append_turns(ref, turns, create=True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(5, items_of(*turns))


async def test_turns_that_are_added_later_follow(memory: Memory, ref: MemoryRef) -> None:
    turns = [turn_of(number) for number in range(1, 6)]
    await memory.append_turns(ref, turns[:1], create=True)
    await memory.append_turns(ref, turns[1:4], create=True)
    await memory.append_turns(ref, turns[4:], create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(5, items_of(*turns))


async def test_turns_that_are_there_already_are_passed_over(memory: Memory, ref: MemoryRef) -> None:
    turns = [turn_of(1), turn_of(2), turn_of(3)]
    await memory.append_turns(ref, turns[:2], create=True)
    await memory.append_turns(ref, turns[:2], create=False)
    await memory.append_turns(ref, turns[:1], create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(2, items_of(*turns[:2]))
    await memory.append_turns(ref, turns, create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(3, items_of(*turns))


async def test_no_turns_add_nothing(memory: Memory, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [], create=True)
    assert await memory.read_memory(ref, PLENTY) == NOTHING


async def test_a_turn_without_items_counts(memory: Memory, ref: MemoryRef) -> None:
    empty = CompletedTurn(2, "message-2", ())
    await memory.append_turns(ref, [turn_of(1), empty], create=True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(2, turn_of(1).items)
    await memory.append_turns(ref, [empty, turn_of(3)], create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(3, items_of(turn_of(1), turn_of(3)))


async def test_a_memory_may_begin_with_a_turn_without_items(memory: Memory, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [CompletedTurn(1, "message-1", ())], create=True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, ())
    await memory.append_turns(ref, [turn_of(2)], create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(2, turn_of(2).items)


async def test_turns_are_added_all_or_none(memory: Memory, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    cannot_be_stored = CompletedTurn(3, "message-3", ({"role": "user"}, {"content": object()}))
    with pytest.raises(TypeError):
        await memory.append_turns(ref, [turn_of(2), cannot_be_stored], create=False)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)


async def test_nothing_is_added_to_a_memory_that_is_not_there(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    with pytest.raises(MemoryMissingError):
        await memory.append_turns(ref, [turn_of(1)], create=False)
    assert not files.path(ref).parent.exists()


async def test_nothing_is_added_to_a_memory_that_is_not_there_beside_another(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, ids: SequentialIds
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    before = names_beside(files, ref)
    with pytest.raises(MemoryMissingError):
        await memory.append_turns(MemoryRef(ids.new_id(), ref.openai_session_key), [turn_of(1)], create=False)
    assert names_beside(files, ref) == before


async def test_sessions_do_not_share_their_memories(memory: Memory, ids: SequentialIds) -> None:
    ref = ref_of(ids, "triage")
    other_project = ref_of(ids, "triage")
    next_of_the_key = MemoryRef(ids.new_id(), ref.openai_session_key)
    await memory.append_turns(ref, [turn_of(1)], create=True)
    for other in (other_project, next_of_the_key):
        assert await memory.read_memory(other, PLENTY) == NOTHING
    await memory.append_turns(next_of_the_key, [turn_of(1), turn_of(2)], create=True)
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(1, turn_of(1).items)


async def test_another_host_reads_a_turn_at_once(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    other = SQLiteMemory(files)
    for number in (1, 2, 3):
        await memory.append_turns(ref, [turn_of(number)], create=True)
        assert (await other.read_memory(ref, PLENTY)).last_number == number


async def test_eight_hosts_that_add_the_same_turns_add_them_once(files: MemoryFiles, ref: MemoryRef) -> None:
    turns = [turn_of(1), turn_of(2)]
    await asyncio.gather(*(SQLiteMemory(files).append_turns(ref, turns, create=True) for _ in range(8)))
    assert await SQLiteMemory(files).read_memory(ref, PLENTY) == MemorySnapshot(2, items_of(*turns))


async def test_concurrent_reads_see_complete_turns(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    turns = [turn_of(number) for number in range(1, 21)]

    async def add_all() -> None:
        for turn in turns:
            await memory.append_turns(ref, [turn], create=True)

    async def read_all() -> None:
        reader = SQLiteMemory(files)
        snapshot = NOTHING
        while snapshot.last_number < 20:
            snapshot = await reader.read_memory(ref, PLENTY)
            assert snapshot.history == items_of(*turns[: snapshot.last_number])

    async with asyncio.timeout(20):
        await asyncio.gather(add_all(), read_all(), read_all())


async def test_erasing_a_memory_deletes_all_of_its_files(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.quarantine(ref)
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.quarantine(ref)
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.erase_memory(ref)
    assert not files.path(ref).parent.exists()


async def test_what_a_dead_host_kept_of_an_erased_file_is_erased(
    memory: Memory, files: MemoryFiles, ref: MemoryRef
) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    files.path(ref).rename(files.path(ref).with_name(".nfs00000000004c0001"))  # as an NFS client does it
    await memory.erase_memory(ref)
    assert not files.path(ref).parent.exists()


async def test_an_erased_memory_can_begin_anew(memory: Memory, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.erase_memory(ref)
    assert await memory.read_memory(ref, PLENTY) == NOTHING


async def test_erasing_leaves_the_other_sessions_of_the_key(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, ids: SequentialIds
) -> None:
    other = MemoryRef(ids.new_id(), ref.openai_session_key)
    for each in (ref, other):
        await memory.append_turns(each, [turn_of(1)], create=True)
        await memory.quarantine(each)
        await memory.append_turns(each, [turn_of(1), turn_of(2)], create=True)
    of_other = [name for name in names_beside(files, other) if name.startswith(other.session_id)]
    await memory.erase_memory(ref)
    assert names_beside(files, other) == of_other
    assert (await memory.read_memory(other, PLENTY)).last_number == 2


async def test_erasing_again_and_erasing_nothing_is_safe(memory: Memory, ref: MemoryRef, ids: SequentialIds) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    await memory.erase_memory(ref)
    await memory.erase_memory(ref)
    await memory.erase_memory(ref_of(ids))


async def test_nothing_is_added_after_a_gap(memory: Memory, ref: MemoryRef) -> None:
    await memory.append_turns(ref, [turn_of(1)], create=True)
    assert await memory.append_turns(ref, [turn_of(4)], create=False, after=3) is False
    assert (await memory.read_memory(ref, 100_000)).last_number == 1
    assert await memory.append_turns(ref, [turn_of(2)], create=False, after=1) is True
    assert (await memory.read_memory(ref, 100_000)).last_number == 2
