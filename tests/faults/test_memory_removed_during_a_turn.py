"""The memory file is lost or replaced while a turn runs: the turns after it still know all that was said."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done
from backend.app.memory.memory_files import MemoryFiles
from backend.app.wiring_local import LocalEngine
from tests.domain.scripted_agents import TurnFixture
from tests.faults.workers import LEASE_SECONDS, WAIT_SECONDS, Halt, notification_of, open_race_fixture, worker_of
from tests.manual_time import ManualClock

SAID = ["One", "Answer One", "Two", "Answer Two", "Three", "Answer Three"]


def read(file: Path) -> bytes:
    return file.read_bytes()


def replace(file: Path, content: bytes | None) -> None:
    file.unlink()
    if content is not None:
        file.write_bytes(content)


async def ask(fixture: TurnFixture, prompt: str, during: Callable[[], Awaitable[object]] | None = None) -> None:
    async def write() -> Draft:
        if during is not None:
            await during()
        return Draft(f"Answer {prompt}", None)

    fixture.agents.steps.append(write)
    assert await fixture.answer(await fixture.queue(prompt)) == Done()


async def check_that_the_next_turn_knows(fixture: TurnFixture) -> None:
    await ask(fixture, "Four")
    assert [item["content"] for item in fixture.agents.histories[-1]] == SAID
    number, history = await fixture.remembered()
    assert (number, [item["content"] for item in history]) == (4, [*SAID, "Four", "Answer Four"])


@pytest.fixture
async def fixture(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory")


@pytest.fixture
def file(fixture: TurnFixture) -> Path:
    return MemoryFiles(fixture.memory_folder).path(fixture.ref)


@pytest.mark.parametrize("damage", ["deleted", "emptied", "garbage", "older copy"])
async def test_a_memory_that_is_damaged_during_a_turn_is_repaired_by_the_next(
    fixture: TurnFixture, file: Path, damage: str
) -> None:
    await ask(fixture, "One")
    older = read(file)
    await ask(fixture, "Two")

    async def during() -> None:
        replace(file, {"deleted": None, "emptied": b"", "garbage": b"garbage " * 3000, "older copy": older}[damage])

    await ask(fixture, "Three", during)
    await check_that_the_next_turn_knows(fixture)


async def test_a_zombie_that_wakes_in_the_next_turn_spoils_no_memory(
    fixture: TurnFixture, file: Path, clock: ManualClock
) -> None:
    await ask(fixture, "One")
    halt, message = Halt(), await fixture.queue("Two")
    zombie = worker_of(fixture, Draft("Brains.", None), halt_at="read_memory", halt=halt)
    running = asyncio.create_task(zombie.run_turn(notification_of(message), "receipt handle of the zombie"))
    async with asyncio.timeout(WAIT_SECONDS):
        await halt.reached.wait()
    clock.advance(LEASE_SECONDS + 1)
    fixture.agents.steps.append(Draft("Answer Two", None))
    assert await fixture.answer(message) == Done()

    async def wake_the_zombie() -> None:
        halt.opened.set()
        async with asyncio.timeout(WAIT_SECONDS):
            assert await running == Done()

    await ask(fixture, "Three", wake_the_zombie)
    await check_that_the_next_turn_knows(fixture)
    assert list(file.parent.glob("*.corrupt-*")) == []
