"""What every MessageStore owes where messages are cancelled."""

import asyncio

import pytest

from backend.app.domain.errors import MessageNotFoundError, TurnCancelRequestedError, TurnFencedError
from backend.app.domain.messages.message import Message, MessageError, MessageStatus, TurnRef
from backend.app.domain.turns.ports import ClaimResult, HeartbeatResult
from shared.events import LoggedEvent
from shared.token_usage import TokenUsage
from tests.contract.builders import (
    LEASE,
    TurnWrite,
    answer_of,
    cancel,
    claimed_again,
    claimed_turn,
    complete,
    current_message,
    draft_message,
    everything_of,
    fail,
    queued_message,
    record_response,
    stored_session,
    try_claim,
)
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import CANCELLED, USAGE, answer_event, cancelled_event
from tests.manual_time import ManualClock


async def _events_of(engine: TestedEngine, message: Message | TurnRef) -> list[LoggedEvent]:
    page = await engine.events.read_events(message.project_id, message.session_id, 0)
    assert page is not None
    return list(page.events)


async def test_cancelling_a_queued_message_ends_it(engine: TestedEngine, clock: ManualClock) -> None:
    queued = await queued_message(engine, await stored_session(engine))
    clock.advance(5)
    message, event = await cancel(engine, queued)
    assert message == await current_message(engine, queued)
    assert message.status is MessageStatus.CANCELLED
    assert (message.error, message.completed_at) == (CANCELLED, clock.now())
    assert event is not None
    assert (event.message_id, event.seq, event.code) == (queued.message_id, 1, CANCELLED.code)
    assert await _events_of(engine, queued) == [event]
    assert await engine.turns.find_open_message(queued.session_id) is None
    assert (await try_claim(engine, queued.message_id))[0] is ClaimResult.NOT_OPEN


async def test_cancelling_a_message_under_a_live_lease_only_marks_it(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    assert await engine.turns.heartbeat(turn, None) == HeartbeatResult(cancel_requested=False)
    clock.advance(LEASE.total_seconds() - 1)
    message, event = await cancel(engine, turn)
    assert event is None
    assert (message.status, message.cancel_requested) == (MessageStatus.RUNNING, True)
    assert message == await current_message(engine, turn)
    assert await _events_of(engine, turn) == []
    assert await engine.turns.heartbeat(turn, None) == HeartbeatResult(cancel_requested=True)


async def test_asking_twice_to_cancel_a_running_message_marks_it_once(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    first, _ = await cancel(engine, turn)
    assert await cancel(engine, turn) == (first, None)


async def test_a_marked_message_ends_when_its_worker_says_so(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await cancel(engine, turn)
    with pytest.raises(TurnCancelRequestedError):
        await complete(engine, turn)
    error = MessageError(CANCELLED.code, CANCELLED.detail)
    await engine.turns.end_turn(turn, MessageStatus.CANCELLED, error, 1, cancelled_event(engine, turn))
    message = await current_message(engine, turn)
    assert (message.status, message.error) == (MessageStatus.CANCELLED, CANCELLED)


async def test_a_mark_outlives_the_attempt_that_it_was_meant_for(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await cancel(engine, turn)
    second = await claimed_again(engine, turn)
    assert (await current_message(engine, turn)).cancel_requested
    assert await engine.turns.heartbeat(second, None) == HeartbeatResult(cancel_requested=True)


async def test_cancelling_a_message_whose_lease_is_over_ends_it(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds())
    message, event = await cancel(engine, turn)
    assert event is not None
    assert message == await current_message(engine, turn)
    assert (message.status, message.error, message.completed_at) == (MessageStatus.CANCELLED, CANCELLED, clock.now())
    assert await _events_of(engine, turn) == [event]


async def test_a_worker_whose_message_was_cancelled_after_its_lease_is_fenced(
    engine: TestedEngine, clock: ManualClock
) -> None:
    turn = await claimed_turn(engine)
    clock.advance(LEASE.total_seconds())
    await cancel(engine, turn)
    before = await everything_of(engine, turn)
    with pytest.raises(TurnFencedError):
        await engine.turns.heartbeat(turn, None)
    with pytest.raises(TurnFencedError):
        await engine.turns.complete_turn(turn, answer_of(), None, answer_event(engine, turn))
    assert await everything_of(engine, turn) == before


async def test_cancelling_a_released_message_ends_it_with_the_usage_of_all_attempts(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await record_response(engine, turn)
    turn = await claimed_again(engine, turn)
    await record_response(engine, turn)
    await engine.turns.release_lease(turn, engine.clock.now())
    message, event = await cancel(engine, turn)
    assert event is not None
    assert event.token_usage == message.token_usage == USAGE + USAGE
    assert len(await engine.messages.list_responses(turn.message_id)) == 2


async def test_cancelling_a_message_that_used_nothing_says_so(engine: TestedEngine) -> None:
    _, event = await cancel(engine, await queued_message(engine, await stored_session(engine)))
    assert event is not None
    assert event.token_usage == TokenUsage()


@pytest.mark.parametrize("end", [complete, fail])
async def test_cancelling_an_ended_message_leaves_it_alone(engine: TestedEngine, end: TurnWrite) -> None:
    turn = await claimed_turn(engine)
    await end(engine, turn)
    before = await everything_of(engine, turn)
    assert await cancel(engine, turn) == (await current_message(engine, turn), None)
    assert await everything_of(engine, turn) == before


async def test_cancelling_again_leaves_the_cancelled_message_alone(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    queued = await queued_message(engine, session)
    message, _ = await cancel(engine, queued)
    before = await everything_of(engine, session)
    clock.advance(5)
    assert await cancel(engine, queued) == (message, None)
    assert await everything_of(engine, session) == before


async def test_one_of_eight_parallel_cancels_ends_the_message(engine: TestedEngine) -> None:
    queued = await queued_message(engine, await stored_session(engine))
    outcomes = await asyncio.gather(*(cancel(engine, queued) for _ in range(8)))
    assert sum(event is not None for _, event in outcomes) == 1
    assert {message.status for message, _ in outcomes} == {MessageStatus.CANCELLED}


async def test_cancelling_one_message_leaves_the_others_in_the_queue(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    first, second, third = [await queued_message(engine, session) for _ in range(3)]
    await cancel(engine, second)
    assert await current_message(engine, first) == first
    assert await current_message(engine, third) == third
    assert await engine.turns.find_open_message(session.session_id) == first


async def test_no_message_cannot_be_cancelled(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    before = await everything_of(engine, session)
    with pytest.raises(MessageNotFoundError):
        await cancel(engine, draft_message(engine, session))
    assert await everything_of(engine, session) == before
