"""What every Memory owes when its file is damaged: it says so, or reads what is right; and it can begin anew."""

import pytest

from backend.app.domain.errors import MemoryCorruptError
from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from tests.contract.memories import PLENTY, items_of, names_beside, opened, tokens_of, turn_of

TURNS = [turn_of(number, size=400) for number in range(1, 13)]
COMPLETE = MemorySnapshot(12, items_of(*TURNS))
_STEP = 512

TEARS = {
    "first item of the oldest turn removed": "DELETE FROM agent_messages WHERE id = 1",
    "last item of the oldest turn removed": "DELETE FROM agent_messages WHERE id = 3",
    "item of a turn in the middle removed": "DELETE FROM agent_messages WHERE id = 17",
    "first item of the newest turn removed": "DELETE FROM agent_messages WHERE id = 34",
    "newest item removed": "DELETE FROM agent_messages WHERE id = 36",
    "newest turn removed, its marker left": "DELETE FROM agent_messages WHERE id >= 34",
    "all items removed": "DELETE FROM agent_messages",
    "item added": "INSERT INTO agent_messages (session_id, message_data) SELECT session_id, '{}' FROM agent_sessions",
    "item added for another session": "INSERT INTO agent_messages (session_id, message_data) VALUES ('other', '{}')",
    "item given to another session": "UPDATE agent_messages SET session_id = 'other' WHERE id = 17",
    "item is no JSON": "UPDATE agent_messages SET message_data = '{' WHERE id = 17",
    "marker of the newest turn removed": "DELETE FROM vibewire_turns WHERE number = 12",
    "marker of a turn in the middle removed": "DELETE FROM vibewire_turns WHERE number = 6",
    "all markers removed": "DELETE FROM vibewire_turns",
    "items without a table": "DROP TABLE agent_messages",
    "a table of another form": "ALTER TABLE vibewire_turns RENAME COLUMN item_count TO items",
}


@pytest.fixture
async def damaged(memory: Memory, ref: MemoryRef) -> MemoryRef:
    """A memory of twelve turns, about to be damaged."""
    await memory.append_turns(ref, TURNS, create=True)
    return ref


@pytest.mark.parametrize("tear", TEARS)
async def test_a_torn_turn_is_noticed(memory: Memory, files: MemoryFiles, damaged: MemoryRef, tear: str) -> None:
    with opened(files.path(damaged)) as connection:
        connection.execute(TEARS[tear])
    with pytest.raises(MemoryCorruptError):
        await memory.read_memory(damaged, PLENTY)


@pytest.mark.parametrize("tear", ["newest item removed", "item added", "marker of the newest turn removed"])
async def test_a_torn_newest_turn_is_noticed_within_a_small_budget(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef, tear: str
) -> None:
    with opened(files.path(damaged)) as connection:
        connection.execute(TEARS[tear])
    with pytest.raises(MemoryCorruptError):
        await memory.read_memory(damaged, tokens_of(TURNS[-1]) + 5)


@pytest.mark.parametrize(
    "content", [b"garbage", b"\0" * 5000, b"\xff" * 5000, b"SQLite format 3\0", b"SQLite format 3\0" + b"x" * 9000]
)
async def test_a_file_of_garbage_is_corrupt(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef, content: bytes
) -> None:
    files.path(damaged).write_bytes(content)
    with pytest.raises(MemoryCorruptError):
        await memory.read_memory(damaged, PLENTY)
    with pytest.raises(MemoryCorruptError):
        await memory.append_turns(damaged, [turn_of(13)], create=False)


async def _outcome(memory: Memory, ref: MemoryRef) -> str:
    try:
        return "right" if await memory.read_memory(ref, PLENTY) == COMPLETE else "wrong history"
    except MemoryCorruptError:
        return "corrupt"
    except Exception as error:  # noqa: BLE001 - any error is part of the result
        return f"{type(error).__name__}: {error}"


async def test_a_file_that_is_cut_off_anywhere_is_corrupt_or_reads_right(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef
) -> None:
    file = files.path(damaged)
    content = file.read_bytes()
    outcomes: list[str] = []
    for length in range(2, len(content), _STEP):
        file.write_bytes(content[:length])
        outcomes.append(await _outcome(memory, damaged))
    assert set(outcomes) <= {"right", "corrupt"}
    assert outcomes.count("corrupt") > len(outcomes) * 0.8  # the unused end of a page is not missed


@pytest.mark.parametrize("left", [b"", b"S"])  # SQLite takes a single byte for a new file, too
async def test_a_file_that_was_emptied_is_an_empty_memory(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef, left: bytes
) -> None:
    files.path(damaged).write_bytes(left)
    assert await memory.read_memory(damaged, PLENTY) == MemorySnapshot(0, ())


@pytest.mark.parametrize("size", [16, 512, 4096, 20_000])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"], ids=["zeros", "ones"])
async def test_a_file_that_is_partly_overwritten_is_corrupt_or_reads_right(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef, fill: bytes, size: int
) -> None:
    file = files.path(damaged)
    content = file.read_bytes()
    outcomes: list[str] = []
    for start in range(0, len(content), _STEP):
        file.write_bytes((content[:start] + fill * size + content[start + size :])[: len(content)])
        outcomes.append(await _outcome(memory, damaged))
    assert set(outcomes) <= {"right", "corrupt"}


async def test_text_that_is_not_utf_8_is_corrupt(memory: Memory, files: MemoryFiles, damaged: MemoryRef) -> None:
    with opened(files.path(damaged)) as connection:
        connection.execute("UPDATE agent_messages SET message_data = CAST(X'7B22FF227D' AS TEXT) WHERE id = 17")
    with pytest.raises(MemoryCorruptError):
        await memory.read_memory(damaged, PLENTY)


async def test_a_memory_that_was_set_aside_is_kept_and_a_new_one_begins(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef
) -> None:
    file = files.path(damaged)
    content = file.read_bytes()[:5000]
    file.write_bytes(content)
    await memory.quarantine(damaged)
    kept = [file.with_name(name) for name in names_beside(files, damaged)]
    assert file not in kept
    assert content in [each.read_bytes() for each in kept]
    assert await memory.read_memory(damaged, PLENTY) == MemorySnapshot(0, ())
    await memory.append_turns(damaged, TURNS, create=False)
    assert await memory.read_memory(damaged, PLENTY) == COMPLETE
    assert content in [each.read_bytes() for each in kept]


async def test_all_that_was_set_aside_is_kept(memory: Memory, files: MemoryFiles, ref: MemoryRef) -> None:
    file = files.path(ref)
    file.parent.mkdir(parents=True)
    contents = [f"damaged {n}".encode() for n in range(12)]
    for content in contents:
        file.write_bytes(content)
        await memory.quarantine(ref)
    kept = [file.with_name(name).read_bytes() for name in names_beside(files, ref)]
    assert sorted(kept) == sorted(contents)


async def test_setting_aside_again_and_setting_nothing_aside_is_safe(
    memory: Memory, files: MemoryFiles, damaged: MemoryRef
) -> None:
    await memory.quarantine(damaged)
    before = names_beside(files, damaged)
    await memory.quarantine(damaged)
    assert names_beside(files, damaged) == before
    await memory.erase_memory(damaged)
    await memory.quarantine(damaged)
    assert names_beside(files, damaged) == []
