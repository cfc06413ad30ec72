"""A worker that was given up on wakes again: every write of it is refused, and it changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.app.domain.errors import TurnError
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.turns.agent_port import Draft, Review
from backend.app.domain.turns.outcome import Done, Outcome, Requeue
from backend.app.domain.turns.turn_service import TurnService
from backend.app.wiring_local import LocalEngine
from shared.events import VibecodeResponseEvent
from tests.domain.scripted_agents import CODE, USAGE, TurnFixture
from tests.faults.workers import (
    LEASE_SECONDS,
    WAIT_SECONDS,
    Halt,
    World,
    notification_of,
    open_race_fixture,
    queued_notifications,
    until,
    worker_of,
)
from tests.manual_time import ManualClock

NEW_CODE = CODE + 'triage = Agent(name="Triage")\n'
PATCH = Draft("I added triage.", NEW_CODE)
ZOMBIE_PATCH = Draft("Brains.", CODE + 'zombie = Agent(name="Zombie")\n')
APPROVED = Review(approved=True, reasoning="Good.", commit_message="Add an agent")
HALTS = ("append_event", "read_memory", "record_response", "store_items", "complete_turn")
AWAKENINGS: dict[str, Draft | Exception] = {
    "an answer": Draft("Brains.", None),
    "a patch": ZOMBIE_PATCH,
    "a passing failure": TurnError("model_unavailable", "503", retryable=True),
    "a lasting failure": TurnError("model_quota", "spent", retryable=False),
    "a bug": ZeroDivisionError("brains"),
}


@pytest.fixture
async def fixture(engine: LocalEngine, tmp_path: Path) -> TurnFixture:
    return await open_race_fixture(engine, tmp_path / "memory", PATCH, APPROVED)


async def let_die(worker: TurnService, message: Message, halt: Halt, clock: ManualClock) -> "asyncio.Task[Outcome]":
    """Have the worker begin the turn and stand still until its lease is over."""
    running = asyncio.create_task(worker.run_turn(notification_of(message), "receipt handle of the zombie"))
    async with asyncio.timeout(WAIT_SECONDS):
        await halt.reached.wait()
    clock.advance(LEASE_SECONDS + 1)
    return running


async def wake(running: "asyncio.Task[Outcome]", halt: Halt) -> Outcome:
    halt.opened.set()
    async with asyncio.timeout(WAIT_SECONDS):
        return await running


async def check_answered_once(fixture: TurnFixture, message: Message) -> None:
    found = await fixture.find(message)
    assert (found.status, found.attempt, found.content) == (MessageStatus.COMPLETED, 2, "I added triage.")
    assert await fixture.code() == (2, NEW_CODE)
    answers = [event for event in await fixture.events() if isinstance(event, VibecodeResponseEvent)]
    assert [answer.content for answer in answers] == ["I added triage."]
    number, history = await fixture.remembered()
    assert (number, [item["content"] for item in history]) == (1, ["Do it", "I added triage."])


@pytest.mark.parametrize("method", HALTS)
async def test_a_zombie_that_wakes_after_another_completed_changes_nothing(
    fixture: TurnFixture, clock: ManualClock, method: str
) -> None:
    halt, world, message = Halt(), World(fixture), await fixture.queue()
    running = await let_die(worker_of(fixture, ZOMBIE_PATCH, APPROVED, halt_at=method, halt=halt), message, halt, clock)
    assert await fixture.answer(message) == Done()
    before = await world.look()
    assert await wake(running, halt) == Done()
    assert await world.look() == before
    await check_answered_once(fixture, message)


@pytest.mark.parametrize("method", HALTS)
async def test_a_zombie_that_wakes_while_another_runs_changes_nothing(
    fixture: TurnFixture, clock: ManualClock, method: str
) -> None:
    halt, other_halt, world, message = Halt(), Halt(), World(fixture), await fixture.queue()
    running = await let_die(worker_of(fixture, ZOMBIE_PATCH, APPROVED, halt_at=method, halt=halt), message, halt, clock)
    other = worker_of(fixture, PATCH, APPROVED, halt_at="complete_turn", halt=other_halt)
    answering = asyncio.create_task(other.run_turn(notification_of(message), "receipt-handle"))
    async with asyncio.timeout(WAIT_SECONDS):
        await other_halt.reached.wait()
    before = await world.look()
    assert await wake(running, halt) == Done()
    assert await world.look() == before
    assert await wake(answering, other_halt) == Done()
    await check_answered_once(fixture, message)


def after(halt: Halt, outcome: Draft | Exception) -> Callable[[], Awaitable[Draft]]:
    async def write() -> Draft:
        await halt()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return write


@pytest.mark.parametrize("awakening", AWAKENINGS)
async def test_a_zombie_whose_model_comes_back_with_anything_changes_nothing(
    fixture: TurnFixture, clock: ManualClock, awakening: str
) -> None:
    halt, world, message = Halt(), World(fixture), await fixture.queue()
    zombie = worker_of(fixture, after(halt, AWAKENINGS[awakening]), APPROVED)
    running = await let_die(zombie, message, halt, clock)
    assert await fixture.answer(message) == Done()
    before = await world.look()
    await wake(running, halt)
    assert await world.look() == before
    await check_answered_once(fixture, message)
    assert (await fixture.find(message)).token_usage == USAGE + USAGE + USAGE


async def test_a_zombie_that_is_stopped_does_not_let_go_of_the_turn_of_another(
    fixture: TurnFixture, clock: ManualClock
) -> None:
    halt, other_halt, world, message = Halt(), Halt(), World(fixture), await fixture.queue()
    running = await let_die(worker_of(fixture, after(halt, PATCH)), message, halt, clock)
    other = worker_of(fixture, PATCH, APPROVED, halt_at="store_items", halt=other_halt)
    answering = asyncio.create_task(other.run_turn(notification_of(message), "receipt-handle"))
    async with asyncio.timeout(WAIT_SECONDS):
        await other_halt.reached.wait()
    before = await world.look()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await world.look() == before
    await wake(answering, other_halt)
    await check_answered_once(fixture, message)


async def test_a_zombie_whose_heartbeat_wakes_first_stops_its_agents(fixture: TurnFixture, clock: ManualClock) -> None:
    halt, message = Halt(), await fixture.queue()
    attentive = worker_of(fixture, after(halt, PATCH), limits=Limits(cancel_check_seconds=0.01))
    running = await let_die(attentive, message, halt, clock)
    assert await fixture.answer(message) == Done()
    async with asyncio.timeout(WAIT_SECONDS):
        assert await running == Done()  # although no test opened the halt
    await check_answered_once(fixture, message)


async def test_of_eight_workers_that_answer_concurrently_one_runs_and_the_others_come_back_later(
    fixture: TurnFixture,
) -> None:
    halt, message = Halt(), await fixture.queue()
    workers = [worker_of(fixture, after(halt, PATCH), APPROVED) for _ in range(8)]
    answers = [
        asyncio.create_task(worker.run_turn(notification_of(message), f"{n}")) for n, worker in enumerate(workers)
    ]

    async def all_but_one_are_back() -> bool:
        await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        await fixture.find(message)
        return sum(answer.done() for answer in answers) == 7

    await until(all_but_one_are_back)
    halt.opened.set()
    async with asyncio.timeout(WAIT_SECONDS):
        assert sorted(await asyncio.gather(*answers), key=str) == [Done()] + [Requeue(10.0)] * 7
    found = await fixture.find(message)
    assert (found.attempt, found.token_usage) == (1, USAGE + USAGE)
    assert await fixture.code() == (2, NEW_CODE)


async def test_a_heartbeat_extends_the_lease_and_the_notification(fixture: TurnFixture, clock: ManualClock) -> None:
    halt, message = Halt(), await fixture.queue()
    await fixture.engine.queue.enqueue(notification_of(message))
    received = await fixture.engine.queue.receive(LEASE_SECONDS)
    lively = worker_of(
        fixture, after(halt, PATCH), APPROVED, limits=Limits(cancel_check_seconds=0.01, heartbeat_seconds=0.01)
    )
    running = asyncio.create_task(lively.run_turn(received.notification, received.receipt_handle))

    async def is_extended() -> bool:
        end = clock.now().timestamp() + LEASE_SECONDS
        lease = (await fixture.find(message)).lease_until
        return (
            lease is not None
            and lease.timestamp() == end
            and await queued_notifications(fixture.engine) == [(message.message_id, end)]
        )

    for _ in range(5):
        clock.advance(LEASE_SECONDS - 10)
        await until(is_extended)
        assert await fixture.answer(message) == Requeue(10)  # another worker meets a live lease
    assert await wake(running, halt) == Done()
    found = await fixture.find(message)
    assert (found.status, found.attempt) == (MessageStatus.COMPLETED, 1)
