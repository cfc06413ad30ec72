"""Contract of Memory for a history beyond the model's budget: it returns the newest complete turns."""

from pathlib import Path

from agents import SQLiteSession

from backend.app.domain.sessions.memory import Memory, MemoryRef, MemorySnapshot
from backend.app.memory.memory_files import MemoryFiles
from tests.contract.memories import PLENTY, items_of, tokens_of, turn_of


async def test_every_budget_gives_the_newest_complete_turns_that_fit(memory: Memory, ref: MemoryRef) -> None:
    turns = [turn_of(number, size=40 * number) for number in range(1, 7)]
    suffixes = [items_of(*turns[first:]) for first in range(len(turns), -1, -1)]
    await memory.append_turns(ref, turns, create=True)
    most = 0
    for budget in range(0, tokens_of(*turns) + 20, 7):
        snapshot = await memory.read_memory(ref, budget)
        assert snapshot.last_number == 6
        count = suffixes.index(snapshot.history)
        assert count >= most
        assert tokens_of(*turns[6 - count :]) <= budget + count  # the turns are counted one by one
        most = count
    assert most == 6


async def test_a_budget_smaller_than_the_newest_turn_gives_an_empty_history(memory: Memory, ref: MemoryRef) -> None:
    newest = turn_of(2, size=4000)
    await memory.append_turns(ref, [turn_of(1), newest], create=True)
    for budget in (0, 1, tokens_of(turn_of(1)) + 10, tokens_of(newest) - 10):
        assert await memory.read_memory(ref, budget) == MemorySnapshot(2, ())


async def test_no_older_turn_fills_the_room_that_a_large_one_left(memory: Memory, ref: MemoryRef) -> None:
    small, large, newest = turn_of(1), turn_of(2, size=4000), turn_of(3)
    await memory.append_turns(ref, [small, large, newest], create=True)
    budget = tokens_of(small, newest) + 10
    assert await memory.read_memory(ref, budget) == MemorySnapshot(3, newest.items)


async def test_what_the_model_is_not_given_stays_stored(
    memory: Memory, files: MemoryFiles, ref: MemoryRef, tmp_path: Path
) -> None:
    turns = [turn_of(number) for number in range(1, 9)]
    for turn in turns:
        await memory.append_turns(ref, [turn], create=True)
        assert (await memory.read_memory(ref, tokens_of(turn) + 5)).history == turn.items
    assert await memory.read_memory(ref, PLENTY) == MemorySnapshot(8, items_of(*turns))
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(files.path(ref).read_bytes())
    session = SQLiteSession(ref.openai_session_key, copy)
    assert tuple(await session.get_items()) == items_of(*turns)
    session.close()
