"""Contract of TurnStore: released, rescued and running turns."""

import asyncio
from datetime import timedelta

from tests.contract.builders import (
    LEASE,
    cancel,
    claim,
    claimed_turn,
    complete,
    current_message,
    delete,
    fail,
    queued_message,
    stored_session,
)
from tests.contract.due_sessions import START, expect_due
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock


async def test_a_released_turn_is_due_twenty_seconds_after_it_was_to_be_begun_again(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await engine.turns.release_lease(turn, clock.now(), clock.now() + timedelta(seconds=300))
    clock.advance(300 + START.total_seconds() - 1)
    await expect_due(engine)
    clock.advance(1)
    await expect_due(engine, session)


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
    await expect_due(engine)
    clock.advance(1)
    await expect_due(engine, session)


async def test_a_message_that_was_claimed_is_not_rescued_any_more(engine: TestedEngine, clock: ManualClock) -> None:
    message = await queued_message(engine, await stored_session(engine))
    clock.advance(START.total_seconds())
    assert await engine.turns.note_rescue(message, clock.now() + START)
    rescued = await current_message(engine, message)
    await claim(engine, message.message_id)
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
    turns = [await claimed_turn(engine) for _ in range(4)]
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
    turn = await claimed_turn(engine, session)
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
    out_of_turn = await claimed_turn(engine, session)
    await cancel(engine, first)
    assert not await engine.turns.is_open(first.message_id)
    assert (await current_message(engine, out_of_turn)).due_at is not None
