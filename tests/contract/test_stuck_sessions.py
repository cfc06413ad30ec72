"""Contract of TurnStore: finding turns that no worker has."""

import asyncio

import pytest

from tests.contract.builders import (
    LEASE,
    TurnWrite,
    cancel,
    claim,
    claimed_turn,
    complete,
    current_message,
    delete,
    fail,
    queued_message,
    stored_project,
    stored_session,
)
from tests.contract.due_sessions import START, due_sessions, expect_due
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock


async def test_sessions_without_open_messages_are_not_due(engine: TestedEngine, clock: ManualClock) -> None:
    await stored_session(engine)
    session = await stored_session(engine)
    await complete(engine, await claimed_turn(engine, session))
    await fail(engine, await claimed_turn(engine, session))
    await cancel(engine, await queued_message(engine, session))
    clock.advance(10 * START.total_seconds())
    await expect_due(engine)


async def test_a_message_under_a_held_lease_is_not_due(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds() - 1)
    await engine.turns.heartbeat(turn, clock.now() + LEASE)
    clock.advance(LEASE.total_seconds() - 1)
    await expect_due(engine)


async def test_a_session_is_due_when_the_lease_of_its_message_is_over(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await expect_due(engine)
    clock.advance(LEASE.total_seconds() + 1)
    await expect_due(engine, session)
    await claim(engine, turn.message_id)
    await expect_due(engine)


async def test_a_session_is_due_when_its_first_message_was_queued_for_twenty_seconds(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    clock.advance(START.total_seconds() - 1)
    await expect_due(engine)
    clock.advance(1)
    await expect_due(engine, session)
    await cancel(engine, message)
    await expect_due(engine)


async def test_a_due_session_is_listed_once_however_many_messages_wait_in_it(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    for _ in range(3):
        await queued_message(engine, session)
    clock.advance(START.total_seconds() + 1)
    await expect_due(engine, session)


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
async def test_the_next_message_is_due_twenty_seconds_after_the_one_before_it_ended(
    engine: TestedEngine, clock: ManualClock, end: str
) -> None:
    session = await stored_session(engine)
    first, following = await queued_message(engine, session), await queued_message(engine, session)
    assert (await current_message(engine, following)).due_at is None
    clock.advance(10 * START.total_seconds())
    if end == "cancel":
        await cancel(engine, first)
    else:
        await (complete if end == "complete" else fail)(engine, await claim(engine, first.message_id))
    assert (await current_message(engine, first)).due_at is None
    assert (await current_message(engine, following)).due_at == clock.now() + START
    clock.advance(START.total_seconds() - 1)
    await expect_due(engine)
    clock.advance(1)
    await expect_due(engine, session)


async def test_a_message_that_ends_behind_the_first_one_changes_nothing_about_what_is_due(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    first, second, third = [await queued_message(engine, session) for _ in range(3)]
    due_at = (await current_message(engine, first)).due_at
    clock.advance(5)
    await cancel(engine, second)
    found = [(await current_message(engine, message)).due_at for message in (first, second, third)]
    assert found == [due_at, None, None]
    await cancel(engine, first)
    assert (await current_message(engine, third)).due_at == clock.now() + START


@pytest.mark.parametrize("first_end", [complete, fail])
async def test_of_messages_that_are_sent_and_end_at_the_same_time_the_first_open_one_is_due(
    engine: TestedEngine, other_engine: TestedEngine, clock: ManualClock, first_end: TurnWrite
) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    for at in range(4):
        turn = await claim(engine, message.message_id)
        sending = queued_message(other_engine, session)
        ending = first_end(engine, turn) if at % 2 else fail(engine, turn)
        message, _ = await asyncio.gather(sending, ending)
        assert (await current_message(engine, message)).due_at == clock.now() + START
        followers = [await queued_message(engine, session) for _ in range(2)]
        _, _, last = await asyncio.gather(
            cancel(engine, message), cancel(other_engine, followers[0]), queued_message(other_engine, session)
        )
        assert (await current_message(engine, followers[1])).due_at == clock.now() + START
        assert (await current_message(engine, last)).due_at is None
        await asyncio.gather(cancel(engine, followers[1]), cancel(other_engine, last))
        message = await queued_message(engine, session)
        assert (await current_message(engine, message)).due_at == clock.now() + START


async def test_all_due_sessions_are_listed_however_many_they_are(engine: TestedEngine, clock: ManualClock) -> None:
    project = await stored_project(engine)
    sessions = []
    for number in range(104):
        session = await stored_session(engine, project, node_id=f"node_{number}")
        await queued_message(engine, session, "x" * 100)
        sessions.append(session)
        clock.advance(0.001)
    clock.advance(START.total_seconds())
    await expect_due(engine, *sessions)
    assert await due_sessions(engine) == [session.session_id for session in sessions]


async def test_a_deleted_session_is_not_due(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    await claimed_turn(engine, session)
    await queued_message(engine, session)
    await delete(engine, session)
    clock.advance(LEASE.total_seconds() + 1)
    await expect_due(engine)
