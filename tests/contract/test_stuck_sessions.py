"""What every TurnStore owes to whoever looks for turns that nobody works on."""

import asyncio
from datetime import timedelta

from backend.app.domain.session import Session
from tests.contract.builders import (
    LEASE,
    cancel,
    complete,
    delete,
    fail,
    queued_message,
    stored_session,
    take_up,
    taken_turn,
)
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock

PATIENCE = timedelta(seconds=300)


async def _stuck(engine: TestedEngine, limit: int = 100) -> list[str]:
    now = engine.clock.now()
    return list(await engine.turns.list_stuck_sessions(now, now - PATIENCE, limit))


async def _expect_soon(engine: TestedEngine, *sessions: Session) -> None:
    """The read may lag behind: it is asked until it has caught up."""
    expected = sorted(session.session_id for session in sessions)
    async with asyncio.timeout(10):
        while True:
            if sorted(await _stuck(engine)) == expected:
                return


async def test_sessions_that_wait_for_nobody_are_not_stuck(engine: TestedEngine, clock: ManualClock) -> None:
    await stored_session(engine)
    session = await stored_session(engine)
    await complete(engine, await taken_turn(engine, session))
    await fail(engine, await taken_turn(engine, session))
    await cancel(engine, await queued_message(engine, session))
    clock.advance(10 * PATIENCE.total_seconds())
    await _expect_soon(engine)


async def test_a_message_under_a_live_lease_is_not_stuck(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await taken_turn(engine)
    clock.advance(10 * PATIENCE.total_seconds())
    await engine.turns.beat(turn, clock.now() + LEASE)
    clock.advance(LEASE.total_seconds() - 1)
    await _expect_soon(engine)


async def test_a_session_is_stuck_when_the_lease_of_its_message_is_over(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    turn = await taken_turn(engine, session)
    await _expect_soon(engine)
    clock.advance(LEASE.total_seconds() + 1)
    await _expect_soon(engine, session)
    await take_up(engine, turn.message_id)
    await _expect_soon(engine)


async def test_a_session_is_stuck_when_its_message_was_queued_long_ago(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    clock.advance(PATIENCE.total_seconds() - 1)
    await _expect_soon(engine)
    clock.advance(2)
    await _expect_soon(engine, session)
    await cancel(engine, message)
    await _expect_soon(engine)


async def test_a_stuck_session_is_listed_once(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    await taken_turn(engine, session)
    await queued_message(engine, session)
    await queued_message(engine, session)
    clock.advance(PATIENCE.total_seconds() + 1)
    await _expect_soon(engine, session)


async def test_only_so_many_stuck_sessions_are_listed(engine: TestedEngine, clock: ManualClock) -> None:
    sessions = [await stored_session(engine) for _ in range(4)]
    for session in sessions:
        await queued_message(engine, session)
        await queued_message(engine, session)
    clock.advance(PATIENCE.total_seconds() + 1)
    await _expect_soon(engine, *sessions)
    few = await _stuck(engine, limit=3)
    assert len(set(few)) == len(few) == 3


async def test_a_deleted_session_is_not_stuck(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    await taken_turn(engine, session)
    await queued_message(engine, session)
    await delete(engine, session)
    clock.advance(PATIENCE.total_seconds() + 1)
    await _expect_soon(engine)
