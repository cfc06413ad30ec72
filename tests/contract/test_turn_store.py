"""What every TurnStore owes where turns are taken and worked on.

Fences are in test_turn_store_fences, ends in test_turn_store_ends.
"""

import asyncio

import pytest

from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.turns.ports import ClaimResult, HeartbeatResult
from tests.contract.builders import (
    LEASE,
    MAX_ATTEMPTS,
    TurnWrite,
    cancel,
    claim,
    claimed_again,
    claimed_turn,
    complete,
    current_message,
    fail,
    queued_message,
    stored_session,
    try_claim,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock


async def test_the_open_message_with_the_lowest_number_is_found(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    first, second = await queued_message(engine, session), await queued_message(engine, session)
    assert await engine.turns.find_open_message(session.session_id) == first
    turn = await claim(engine, first.message_id)
    assert await engine.turns.find_open_message(session.session_id) == await current_message(engine, first)
    await complete(engine, turn)
    assert await engine.turns.find_open_message(session.session_id) == second


async def test_a_session_without_open_messages_has_none(engine: TestedEngine) -> None:
    session, other = await stored_session(engine), await stored_session(engine)
    await queued_message(engine, other)
    assert await engine.turns.find_open_message(session.session_id) is None
    await complete(engine, await claimed_turn(engine, session))
    await fail(engine, await claimed_turn(engine, session))
    await cancel(engine, await queued_message(engine, session))
    assert await engine.turns.find_open_message(session.session_id) is None
    assert await engine.turns.find_open_message(engine.ids.new_id()) is None


async def test_a_queued_message_is_taken(engine: TestedEngine) -> None:
    queued = await queued_message(engine, await stored_session(engine))
    outcome, message = await try_claim(engine, queued.message_id)
    assert outcome is ClaimResult.CLAIMED
    assert message == await current_message(engine, queued)
    assert message is not None
    assert (message.status, message.attempt) == (MessageStatus.RUNNING, 1)
    assert message.lease_until == engine.clock.now() + LEASE


async def test_a_message_under_a_live_lease_is_not_taken(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    running = await current_message(engine, turn)
    clock.advance(LEASE.total_seconds() - 0.001)
    assert await try_claim(engine, turn.message_id) == (ClaimResult.HELD, running)
    assert await current_message(engine, turn) == running


async def test_a_message_whose_lease_is_over_is_taken_again(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds())
    outcome, message = await try_claim(engine, turn.message_id)
    assert outcome is ClaimResult.CLAIMED
    assert message == await current_message(engine, turn)
    assert message is not None
    assert (message.attempt, message.lease_until) == (2, clock.now() + LEASE)


async def test_a_message_is_begun_as_often_as_it_may_be_and_no_more(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    for attempt in range(2, MAX_ATTEMPTS + 1):
        turn = await claimed_again(engine, turn)
        assert turn.attempt == attempt
    running = await current_message(engine, turn)
    assert await try_claim(engine, turn.message_id) == (ClaimResult.HELD, running)
    clock.advance(LEASE.total_seconds())
    assert await try_claim(engine, turn.message_id) == (ClaimResult.ATTEMPTS_SPENT, running)
    assert await current_message(engine, turn) == running


async def test_a_message_whose_attempts_are_spent_can_be_ended_by_its_last_attempt(
    engine: TestedEngine, clock: ManualClock
) -> None:
    turn = await claimed_again(engine, await claimed_again(engine, await claimed_turn(engine)))
    clock.advance(LEASE.total_seconds())
    assert (await try_claim(engine, turn.message_id))[0] is ClaimResult.ATTEMPTS_SPENT
    await fail(engine, turn)
    assert (await current_message(engine, turn)).status is MessageStatus.FAILED


@pytest.mark.parametrize("end", [complete, fail])
async def test_an_ended_message_is_not_open_and_stays_as_it_is(engine: TestedEngine, end: TurnWrite) -> None:
    turn = await claimed_turn(engine)
    await end(engine, turn)
    ended = await current_message(engine, turn)
    assert await try_claim(engine, turn.message_id) == (ClaimResult.NOT_OPEN, ended)
    assert await current_message(engine, turn) == ended


async def test_a_cancelled_message_is_not_open(engine: TestedEngine) -> None:
    queued = await queued_message(engine, await stored_session(engine))
    cancelled, _ = await cancel(engine, queued)
    assert await try_claim(engine, queued.message_id) == (ClaimResult.NOT_OPEN, cancelled)


async def test_an_unknown_message_is_not_open(engine: TestedEngine) -> None:
    assert await try_claim(engine, engine.ids.new_id()) == (ClaimResult.NOT_OPEN, None)


async def test_one_of_eight_parallel_workers_takes_a_turn(engine: TestedEngine, other_engine: TestedEngine) -> None:
    queued = await queued_message(engine, await stored_session(engine))
    workers = (engine, other_engine) * 4
    outcomes = [
        outcome for outcome, _ in await asyncio.gather(*(try_claim(each, queued.message_id) for each in workers))
    ]
    assert sorted(outcome.name for outcome in outcomes) == ["CLAIMED"] + ["HELD"] * 7
    assert (await current_message(engine, queued)).attempt == 1


async def test_a_turn_outlives_its_process(engine: TestedEngine, reopen: Reopen) -> None:
    turn = await claimed_turn(engine)
    running = await current_message(engine, turn)
    engine = await reopen()
    assert await try_claim(engine, turn.message_id) == (ClaimResult.HELD, running)
    await complete(engine, turn)


async def test_a_heartbeat_extends_the_lease(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds() - 1)
    until = clock.now() + LEASE
    assert await engine.turns.heartbeat(turn, until) == HeartbeatResult(cancel_requested=False)
    assert (await current_message(engine, turn)).lease_until == until
    clock.advance(LEASE.total_seconds() - 1)
    assert (await try_claim(engine, turn.message_id))[0] is ClaimResult.HELD
    clock.advance(1)
    assert (await try_claim(engine, turn.message_id))[0] is ClaimResult.CLAIMED


async def test_a_heartbeat_without_a_lease_leaves_the_lease(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    running = await current_message(engine, turn)
    clock.advance(LEASE.total_seconds() - 1)
    assert await engine.turns.heartbeat(turn, None) == HeartbeatResult(cancel_requested=False)
    assert await current_message(engine, turn) == running


async def test_a_heartbeat_returns_whether_to_stop(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await cancel(engine, turn)
    assert await engine.turns.heartbeat(turn, None) == HeartbeatResult(cancel_requested=True)
    assert await engine.turns.heartbeat(turn, engine.clock.now() + LEASE) == HeartbeatResult(cancel_requested=True)


async def test_a_released_turn_can_be_begun_again_at_once(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await engine.turns.release_lease(turn, engine.clock.now())
    assert (await claim(engine, turn.message_id)).attempt == 2
