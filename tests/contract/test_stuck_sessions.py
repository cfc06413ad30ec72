"""Contract of TurnStore: finding turns that no worker has."""

import asyncio
from datetime import timedelta

import pytest

from backend.app.domain.sessions.session import Session
from tests.contract.builders import (
    LEASE,
    TurnWrite,
    cancel,
    complete,
    current_message,
    delete,
    fail,
    queued_message,
    stored_project,
    stored_session,
    take_up,
    taken_turn,
)
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock

START = timedelta(seconds=20)


async def _due(engine: TestedEngine) -> list[str]:
    return [session_id async for session_id in engine.turns.list_due_sessions(engine.clock.now())]


async def _expect_soon(engine: TestedEngine, *sessions: Session) -> None:
    """The read may lag behind: it is asked until it has caught up."""
    expected = sorted(session.session_id for session in sessions)
    async with asyncio.timeout(10):
        while True:
            if sorted(await _due(engine)) == expected:
                return


async def test_sessions_without_open_messages_are_not_due(engine: TestedEngine, clock: ManualClock) -> None:
    await stored_session(engine)
    session = await stored_session(engine)
    await complete(engine, await taken_turn(engine, session))
    await fail(engine, await taken_turn(engine, session))
    await cancel(engine, await queued_message(engine, session))
    clock.advance(10 * START.total_seconds())
    await _expect_soon(engine)


async def test_a_message_under_a_held_lease_is_not_due(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await taken_turn(engine)
    clock.advance(LEASE.total_seconds() - 1)
    await engine.turns.heartbeat(turn, clock.now() + LEASE)
    clock.advance(LEASE.total_seconds() - 1)
    await _expect_soon(engine)


async def test_a_session_is_due_when_the_lease_of_its_message_is_over(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    turn = await taken_turn(engine, session)
    await _expect_soon(engine)
    clock.advance(LEASE.total_seconds() + 1)
    await _expect_soon(engine, session)
    await take_up(engine, turn.message_id)
    await _expect_soon(engine)


async def test_a_session_is_due_when_its_first_message_was_queued_for_twenty_seconds(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    clock.advance(START.total_seconds() - 1)
    await _expect_soon(engine)
    clock.advance(1)
    await _expect_soon(engine, session)
    await cancel(engine, message)
    await _expect_soon(engine)


async def test_a_due_session_is_listed_once_however_many_messages_wait_in_it(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    for _ in range(3):
        await queued_message(engine, session)
    clock.advance(START.total_seconds() + 1)
    await _expect_soon(engine, session)


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
        await (complete if end == "complete" else fail)(engine, await take_up(engine, first.message_id))
    assert (await current_message(engine, first)).due_at is None
    assert (await current_message(engine, following)).due_at == clock.now() + START
    clock.advance(START.total_seconds() - 1)
    await _expect_soon(engine)
    clock.advance(1)
    await _expect_soon(engine, session)


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
        turn = await take_up(engine, message.message_id)
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
    await _expect_soon(engine, *sessions)
    assert await _due(engine) == [session.session_id for session in sessions]


async def test_a_deleted_session_is_not_due(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    await taken_turn(engine, session)
    await queued_message(engine, session)
    await delete(engine, session)
    clock.advance(LEASE.total_seconds() + 1)
    await _expect_soon(engine)


async def test_a_released_turn_is_due_twenty_seconds_after_it_was_to_be_begun_again(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    turn = await taken_turn(engine, session)
    await engine.turns.release_lease(turn, clock.now(), clock.now() + timedelta(seconds=300))
    clock.advance(300 + START.total_seconds() - 1)
    await _expect_soon(engine)
    clock.advance(1)
    await _expect_soon(engine, session)


async def test_a_rescue_is_noted_once_and_puts_off_the_next(
    engine: TestedEngine, other_engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    clock.advance(START.total_seconds())
    later = clock.now() + timedelta(seconds=40)
    noted = await asyncio.gather(
        *(one.turns.note_rescue(message, later) for one in (engine, other_engine, engine, other_engine))
    )
    assert sorted(noted) == [False, False, False, True]
    found = await current_message(engine, message)
    assert (found.rescues, found.due_at, found.status) == (1, later, message.status)
    clock.advance(39)
    await _expect_soon(engine)
    clock.advance(1)
    await _expect_soon(engine, session)


async def test_a_message_that_was_claimed_is_not_rescued_any_more(engine: TestedEngine, clock: ManualClock) -> None:
    message = await queued_message(engine, await stored_session(engine))
    clock.advance(START.total_seconds())
    assert await engine.turns.note_rescue(message, clock.now() + START)
    rescued = await current_message(engine, message)
    await take_up(engine, message.message_id)
    claimed = await current_message(engine, message)
    assert (claimed.rescues, claimed.due_at) == (0, claimed.lease_until)
    assert not await engine.turns.note_rescue(rescued, clock.now() + START)
    assert (await current_message(engine, message)).due_at == claimed.due_at


async def test_only_turns_under_a_held_lease_are_counted_as_running(engine: TestedEngine, clock: ManualClock) -> None:
    async def expect_running(count: int, limit: int = 100) -> None:
        async with asyncio.timeout(10):
            while await engine.turns.count_running(clock.now(), limit) != count:
                pass

    await queued_message(engine, await stored_session(engine))
    turns = [await taken_turn(engine) for _ in range(4)]
    await expect_running(4)
    await expect_running(3, limit=3)
    await complete(engine, turns[0])
    await engine.turns.release_lease(turns[1], clock.now(), clock.now() + LEASE)
    await expect_running(2)
    clock.advance(1)
    await engine.turns.heartbeat(turns[2], clock.now() + LEASE)
    clock.advance(LEASE.total_seconds() - 1)
    await expect_running(1)
    # Rescued, and not yet claimed.
    assert await engine.turns.note_rescue(await current_message(engine, turns[3]), clock.now() + LEASE)
    await expect_running(1)


async def test_only_what_waits_for_its_end_is_open(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await taken_turn(engine, session)
    queued = await queued_message(engine, session)
    assert await engine.turns.is_open(turn.message_id)
    assert await engine.turns.is_open(queued.message_id)
    await fail(engine, turn)
    assert not await engine.turns.is_open(turn.message_id)
    assert not await engine.turns.is_open(engine.ids.new_id())
    await delete(engine, session)
    assert not await engine.turns.is_open(queued.message_id)


async def test_a_message_before_one_that_was_claimed_out_of_order_still_ends(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    first = await queued_message(engine, session)
    out_of_turn = await taken_turn(engine, session)
    await cancel(engine, first)
    assert not await engine.turns.is_open(first.message_id)
    assert (await current_message(engine, out_of_turn)).due_at is not None
