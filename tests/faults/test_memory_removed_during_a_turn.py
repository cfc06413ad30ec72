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


async def ask(shop: TurnFixture, prompt: str, meanwhile: Callable[[], Awaitable[object]] | None = None) -> None:
    async def write() -> Draft:
        if meanwhile is not None:
            await meanwhile()
        return Draft(f"Answer {prompt}", None)

    shop.agents.steps.append(write)
    assert await shop.answer(await shop.queue(prompt)) == Done()


async def check_that_the_next_turn_knows(shop: TurnFixture) -> None:
    await ask(shop, "Four")
    assert [item["content"] for item in shop.agents.histories[-1]] == SAID
    number, history = await shop.remembered()
    assert (number, [item["content"] for item in history]) == (4, [*SAID, "Four", "Answer Four"])


@pytest.fixture
async def shop(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory")


@pytest.fixture
def file(shop: TurnFixture) -> Path:
    return MemoryFiles(shop.memory_folder).path(shop.ref)


@pytest.mark.parametrize("damage", ["deleted", "emptied", "garbage", "older copy"])
async def test_a_memory_that_is_damaged_during_a_turn_is_mended_by_the_next(
    shop: TurnFixture, file: Path, damage: str
) -> None:
    await ask(shop, "One")
    older = read(file)
    await ask(shop, "Two")

    async def meanwhile() -> None:
        replace(file, {"deleted": None, "emptied": b"", "garbage": b"garbage " * 3000, "older copy": older}[damage])

    await ask(shop, "Three", meanwhile)
    await check_that_the_next_turn_knows(shop)


async def test_a_zombie_that_wakes_in_the_next_turn_spoils_no_memory(
    shop: TurnFixture, file: Path, clock: ManualClock
) -> None:
    await ask(shop, "One")
    halt, message = Halt(), await shop.queue("Two")
    zombie = worker_of(shop, Draft("Brains.", None), halt_at="read_memory", halt=halt)
    running = asyncio.create_task(zombie.run_turn(notification_of(message), "receipt handle of the zombie"))
    async with asyncio.timeout(WAIT_SECONDS):
        await halt.reached.wait()
    clock.advance(LEASE_SECONDS + 1)
    shop.agents.steps.append(Draft("Answer Two", None))
    assert await shop.answer(message) == Done()

    async def wake_the_zombie() -> None:
        halt.opened.set()
        async with asyncio.timeout(WAIT_SECONDS):
            assert await running == Done()

    await ask(shop, "Three", wake_the_zombie)
    await check_that_the_next_turn_knows(shop)
    assert list(file.parent.glob("*.corrupt-*")) == []
