"""Cancels and concurrent edits of the code during a turn."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest

from backend.app.adapters.process_offloader import ProcessOffloader
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.projects.code_change import rebase_change
from backend.app.domain.turns.agent_port import Draft
from backend.app.domain.turns.outcome import Done
from backend.app.wiring_local import LocalEngine
from shared.events import MessageCancelledEvent
from tests.domain.scripted_agents import CODE, TurnFixture, open_turn_fixture
from tests.domain.turn_scripts import APPROVED, NEW_CODE, PATCH, OpenTurnFixture, ask_to_cancel

T = TypeVar("T")


async def test_a_running_message_is_cancelled(open_fixture: OpenTurnFixture) -> None:
    begun = asyncio.Event()

    async def wait() -> Draft:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    shop = await open_fixture(wait)
    message = await shop.queue()
    async with asyncio.timeout(10):
        answering = asyncio.create_task(shop.answer(message))
        await begun.wait()
        marked, event = await ask_to_cancel(shop.engine, message)
        assert (marked.status, event) == (MessageStatus.RUNNING, None)
        assert await answering == Done()
    assert (await shop.find(message)).status is MessageStatus.CANCELLED
    assert isinstance((await shop.events())[-1], MessageCancelledEvent)
    assert await shop.remembered() == (0, ())


async def test_a_stopped_worker_releases_its_turn_immediately(open_fixture: OpenTurnFixture) -> None:
    begun = asyncio.Event()

    async def wait() -> Draft:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    shop = await open_fixture(wait, Draft("Done.", None))
    message = await shop.queue()
    async with asyncio.timeout(10):
        answering = asyncio.create_task(shop.answer(message))
        await begun.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
    assert await shop.answer(message) == Done()
    assert (await shop.find(message)).attempt == 2


async def test_code_that_was_changed_in_the_same_place_goes_back_to_the_agent(open_fixture: OpenTurnFixture) -> None:
    by_hand = CODE + 'other = Agent(name="Other")\n'
    shop: TurnFixture

    async def edit_by_hand_concurrently() -> Draft:
        await shop.edit_by_hand(by_hand)
        return PATCH

    second = Draft("Again.", by_hand + 'triage = Agent(name="Triage")\n')
    shop = await open_fixture(edit_by_hand_concurrently, APPROVED, second, APPROVED)
    message = await shop.queue()
    assert await shop.answer(message) == Done()
    found = await shop.find(message)
    assert (found.status, found.iterations, found.base_version, found.version) == (MessageStatus.COMPLETED, 2, 2, 3)
    assert (await shop.code())[1] == second.new_code
    assert shop.agents.briefs[1].code == by_hand


async def test_changes_of_different_places_are_merged(open_fixture: OpenTurnFixture) -> None:
    shop: TurnFixture

    async def edit_by_hand_concurrently() -> Draft:
        await shop.edit_by_hand("# Our team\n" + CODE)
        return PATCH

    shop = await open_fixture(edit_by_hand_concurrently, APPROVED)
    message = await shop.queue()
    assert await shop.answer(message) == Done()
    found = await shop.find(message)
    assert (found.status, found.iterations, found.base_version, found.version) == (MessageStatus.COMPLETED, 1, 2, 3)
    assert await shop.code() == (3, "# Our team\n" + NEW_CODE)
    assert "Our team" not in (found.patch or "").replace(" # Our team", "")


async def test_a_cancel_is_noticed_while_changes_are_merged(engine: LocalEngine, tmp_path: Path) -> None:
    shop: TurnFixture

    class EndlessMerge:
        """A merge that never ends; all other work is done immediately."""

        async def run(self, function: Callable[..., T], *arguments: object) -> T:
            if function is rebase_change:
                await ask_to_cancel(engine, message)
                await asyncio.Event().wait()
            return function(*arguments)

    async def edit_by_hand_concurrently() -> Draft:
        await shop.edit_by_hand("# Our team\n" + CODE)
        return PATCH

    slow = dataclasses.replace(engine, offloader=cast(ProcessOffloader, EndlessMerge()))
    limits = Limits(cancel_check_seconds=0.01)
    shop = await open_turn_fixture(slow, tmp_path / "memory", [edit_by_hand_concurrently, APPROVED], limits)
    message = await shop.queue()
    async with asyncio.timeout(20):
        assert await shop.answer(message) == Done()
    assert (await shop.find(message)).status is MessageStatus.CANCELLED
    assert await shop.code() == (2, "# Our team\n" + CODE)


async def test_a_conflict_that_outlasts_the_iterations_fails_the_message(open_fixture: OpenTurnFixture) -> None:
    shop: TurnFixture
    edits = iter(range(100))

    async def edit_by_hand_concurrently() -> Draft:
        _, code = await shop.code()
        await shop.edit_by_hand(code + f"edit_{next(edits)} = 1\n")
        return Draft("Mine.", code + "mine = 1\n")

    shop = await open_fixture(*([edit_by_hand_concurrently, APPROVED] * 3))
    message = await shop.queue()
    assert await shop.answer(message) == Done()
    found = await shop.find(message)
    assert found.error is not None
    assert (found.status, found.error.code, found.iterations) == (MessageStatus.FAILED, "conflict", 3)
