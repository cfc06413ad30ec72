"""Contract of Offloader: it returns the function's result, and the event loop runs while it waits."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.app.adapters.process_offloader import MAX_INLINE_BYTES, ProcessOffloader
from backend.app.domain.messages.message import MessageError
from backend.app.domain.projects.source import InvalidSourceError
from tests.contract.engines import TestedEngine
from tests.contract.offloaded import die, environment, process_id, refuse, shout, wait_for_file

SHORT = "short"
LONG = "x" * (MAX_INLINE_BYTES + 1)


@pytest.fixture
async def processes() -> AsyncIterator[ProcessOffloader]:
    offloader = ProcessOffloader()
    yield offloader
    await offloader.close()


@pytest.mark.parametrize("text", [SHORT, LONG])
async def test_what_the_function_returns_comes_back(engine: TestedEngine, text: str) -> None:
    assert await engine.offloader.run(shout, text, "!") == text.upper() + "!"


@pytest.mark.parametrize("text", [SHORT, LONG])
async def test_what_the_function_raises_is_raised(engine: TestedEngine, text: str) -> None:
    with pytest.raises(InvalidSourceError) as raised:
        await engine.offloader.run(refuse, text)
    assert (str(raised.value), raised.value.line) == ("line 3: not so", 3)


async def test_many_works_come_back_each_to_its_caller(engine: TestedEngine) -> None:
    answers = await asyncio.gather(*(engine.offloader.run(shout, LONG, str(number)) for number in range(20)))
    assert [answer.removeprefix(LONG.upper()) for answer in answers] == [str(number) for number in range(20)]


async def test_the_event_loop_goes_on_during_the_work(engine: TestedEngine, tmp_path: Path) -> None:
    """The work waits for what another task of the loop does: alone on the loop it would wait for ever."""
    sign = tmp_path / "the loop went on"

    async def go_on() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        sign.touch()

    going_on = asyncio.create_task(go_on())
    assert await engine.offloader.run(wait_for_file, LONG, sign)
    await going_on


async def test_a_cancelled_work_does_not_disturb_the_next(engine: TestedEngine, tmp_path: Path) -> None:
    sign = tmp_path / "go on"
    waiting = asyncio.create_task(engine.offloader.run(wait_for_file, LONG, sign))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    sign.touch()
    assert await engine.offloader.run(shout, LONG, "!") == LONG.upper() + "!"


async def test_long_texts_leave_the_servers_process_and_short_ones_do_not(processes: ProcessOffloader) -> None:
    assert await processes.run(process_id, SHORT) == os.getpid()
    child = await processes.run(process_id, LONG)
    assert child != os.getpid()
    assert await processes.run(process_id, LONG) == child


@pytest.mark.parametrize("argument", [[LONG], {"text": LONG}, MessageError(SHORT, LONG)])
async def test_a_long_text_counts_wherever_in_the_arguments_it_is(processes: ProcessOffloader, argument: Any) -> None:
    assert await processes.run(process_id, argument) != os.getpid()


async def test_the_child_has_none_of_the_servers_keys(
    processes: ProcessOffloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "OPENAI_API_KEY" not in await processes.run(environment, LONG)


async def test_a_child_that_died_is_said_and_replaced(processes: ProcessOffloader) -> None:
    with pytest.raises(RuntimeError, match="died with 7"):
        await processes.run(die, LONG)
    assert await processes.run(shout, LONG, "!") == LONG.upper() + "!"


async def test_closing_ends_the_child(processes: ProcessOffloader) -> None:
    child = await processes.run(process_id, LONG)
    await processes.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
