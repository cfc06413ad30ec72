"""The memory file is removed or damaged between two turns: it is rebuilt, and the next turn knows the conversation."""

import asyncio
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from backend.local.settings import LocalSettings
from tests.faults.crashing_process import Crash, SentMessage, Side, run_until_crash
from tests.faults.local_server import (
    Json,
    check_memory,
    memory_file,
    quarantine,
    send,
    settings_for,
    start_session,
    started,
)

PROMPTS = ("Create a billing agent", "Create a triage agent", "Create a refund agent")
FOLLOWING = "Make it Spanish"
GARBAGE = random.Random(3).randbytes(30_000)
LENGTHS = (0, 1, 15, 100, 4096, 5000, 8192, -4096, -1)


@dataclass(frozen=True)
class Talk:
    """A session with two completed turns, and the bytes of its memory after one, two and three of them."""

    settings: LocalSettings
    session: Json
    memories: tuple[bytes, ...]

    @property
    def file(self) -> Path:
        return memory_file(self.settings, self.session)

    def aside(self) -> list[bytes]:
        return [path.read_bytes() for path in quarantine(self.settings, self.session)]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, demo_model_url: str) -> Talk:
    folder = tmp_path_factory.mktemp("past")
    settings = settings_for(folder / "used", demo_model_url)

    async def talk() -> Talk:
        async with started(settings) as server:
            session = await start_session(server.http)
            memories: list[bytes] = []
            for prompt in PROMPTS:
                if len(memories) == 2:
                    shutil.copytree(settings.data_dir, folder / "two", ignore=shutil.ignore_patterns("lock"))
                await send(server.http, session["session_id"], prompt)
                await server.wait_for_no_notification()
                memories.append(memory_file(settings, session).read_bytes())
        return Talk(settings_for(folder / "two", demo_model_url), session, tuple(memories))

    return asyncio.run(talk())


@pytest.fixture
def talk(past: Talk, tmp_path: Path) -> Talk:
    shutil.copytree(past.settings.data_dir, tmp_path, dirs_exist_ok=True)
    copy = Talk(past.settings.model_copy(update={"data_dir": tmp_path}), past.session, past.memories)
    assert copy.file.read_bytes() == past.memories[1]
    return copy


async def check_that_the_next_turn_knows(talk: Talk) -> None:
    async with started(talk.settings) as server:
        following = await send(server.http, talk.session["session_id"], FOLLOWING)
        assert "triage_agent = Agent(" in following["patch"]
        assert following["attempt"] == 1
        await server.wait_for_no_notification()
    check_memory(talk.settings, talk.session, 3)


def delete(file: Path) -> None:
    file.unlink()


def delete_its_journal(file: Path) -> None:
    file.with_name(f"{file.name}-journal").unlink()


def delete_its_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


def delete_all_memories(file: Path) -> None:
    shutil.rmtree(file.parents[1])


@pytest.mark.parametrize("damage", [delete, delete_its_journal, delete_its_folder, delete_all_memories])
async def test_a_deleted_memory_is_rebuilt(talk: Talk, damage: Callable[[Path], None]) -> None:
    damage(talk.file)
    await check_that_the_next_turn_knows(talk)
    assert talk.aside() == []


@pytest.mark.parametrize("length", LENGTHS)
async def test_a_truncated_memory_is_rebuilt(talk: Talk, length: int) -> None:
    size = talk.file.stat().st_size
    os.truncate(talk.file, length if length >= 0 else size + length)
    left = talk.file.read_bytes()
    await check_that_the_next_turn_knows(talk)
    assert talk.aside() in ([], [left])


@pytest.mark.parametrize("keep", [0, 100, 4096], ids=["all of it", "all but its header", "all but its first page"])
async def test_a_memory_of_garbage_is_kept_aside_and_rebuilt(talk: Talk, keep: int) -> None:
    garbage = talk.file.read_bytes()[:keep] + GARBAGE
    talk.file.write_bytes(garbage)
    await check_that_the_next_turn_knows(talk)
    assert talk.aside() == [garbage]


async def test_an_older_copy_of_the_memory_is_caught_up(talk: Talk) -> None:
    talk.file.write_bytes(talk.memories[0])
    await check_that_the_next_turn_knows(talk)
    assert talk.aside() == []


async def test_a_newer_copy_than_the_store_knows_is_kept_aside_and_rebuilt(talk: Talk) -> None:
    talk.file.write_bytes(talk.memories[2])
    await check_that_the_next_turn_knows(talk)
    assert talk.aside() == [talk.memories[2]]


async def test_a_memory_that_is_damaged_again_and_again_is_rebuilt_each_time(talk: Talk) -> None:
    async with started(talk.settings) as server:
        for language in ("Spanish", "French", "German"):
            talk.file.write_bytes(GARBAGE)
            following = await send(server.http, talk.session["session_id"], f"Make it {language}")
            assert "triage_agent = Agent(" in following["patch"]
            await server.wait_for_no_notification()
    check_memory(talk.settings, talk.session, 5)
    assert talk.aside() == [GARBAGE] * 3


@pytest.mark.parametrize("side", ["during", "after"])
@pytest.mark.parametrize("step", ["memory.quarantine", "memory.append_turns"])
async def test_a_kill_while_the_memory_is_rebuilt_loses_nothing(talk: Talk, step: str, side: Side) -> None:
    talk.file.write_bytes(GARBAGE)
    sent = SentMessage(talk.session["session_id"], str(uuid4()), FOLLOWING)
    run_until_crash(talk.settings, sent, Crash(step, side=side))
    async with started(talk.settings) as server:
        message = await server.wait_for_completion(sent.message_id)
        assert (message["status"], message["attempt"]) == ("completed", 2)
        assert "triage_agent = Agent(" in message["patch"]
        await server.wait_for_no_notification()
    check_memory(talk.settings, talk.session, 3)
    assert talk.aside() == [GARBAGE]
