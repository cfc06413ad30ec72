"""Turns whose start failed, on every engine: they start again within 90 s, once, and delay no other."""

from datetime import timedelta
from pathlib import Path

import pytest

from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.turns.abandoned_turn_service import AbandonedTurns
from backend.app.domain.turns.agent_port import Draft
from tests.contract.builders import (
    LEASE,
    MAX_ATTEMPTS,
    claimed_turn,
    current_message,
    queued_message,
    stored_session,
    try_claim,
)
from tests.contract.engines import TestedEngine
from tests.contract.queue_drivers import receive_all
from tests.contract.rescue_drivers import (
    HIDDEN_SECONDS,
    PROMISED_SECONDS,
    SCHEDULE_SECONDS,
    closer,
    fail_to_start,
    handle,
    rescued,
    send,
    shop_of,
    work,
)
from tests.faults.workers import notification_of
from tests.manual_time import ManualClock


@pytest.mark.parametrize("first_search", [1, 19, 20, 45, 60])
async def test_a_session_whose_start_failed_is_begun_again_within_ninety_seconds_and_answered_once(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path, first_search: int
) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Done.", None))
    message = await send(engine, await shop.queue())
    sent_at = clock.now()
    assert await fail_to_start(engine) == [notification_of(message)]
    clock.advance(first_search)
    for _ in range(3):
        await closer(engine).close_abandoned_turns()
        await work(engine, shop)
        if (await shop.find(message)).status is MessageStatus.COMPLETED:
            break
        clock.advance(SCHEDULE_SECONDS)
    assert clock.now() - sent_at <= timedelta(seconds=PROMISED_SECONDS)
    found = await shop.find(message)
    assert (found.status, found.attempt) == (MessageStatus.COMPLETED, 1)
    clock.advance(HIDDEN_SECONDS + 1)
    assert await work(engine, shop) == [notification_of(message)]  # the one that was hidden comes back, to nothing
    assert (len(shop.agents.briefs), len(await shop.events())) == (1, 4)


async def test_a_rescue_whose_start_fails_too_holds_up_neither_the_next_nor_those_of_others(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, Draft("Done.", None))
    message = await send(engine, await shop.queue())
    await fail_to_start(engine)
    for attempt in range(4):
        clock.advance(2 * SCHEDULE_SECONDS)
        other = await send(engine, await queued_message(engine, await stored_session(engine)))
        assert notification_of(other) in await fail_to_start(engine)
        clock.advance(20)
        assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=2 + attempt, waiting=0)
        # The starts of all but the last fail as well.
        again = await rescued(engine) if attempt < 3 else []
        assert again.count(message.message_id) == (attempt < 3)
        assert len(set(again)) == len(again)
    held = [
        held for held in await receive_all(engine, HIDDEN_SECONDS) if held.notification.session_id == message.session_id
    ]
    (last,) = held
    await handle(engine, shop, last)
    assert (await shop.find(message)).status is MessageStatus.COMPLETED


async def test_rescues_of_a_message_come_at_times_that_double_up_to_two_minutes(
    engine: TestedEngine, clock: ManualClock
) -> None:
    message = await send(engine, await queued_message(engine, await stored_session(engine)))
    await fail_to_start(engine)
    times: list[int] = []
    for second in range(1, 601):
        clock.advance(1)
        if second % 10 == 0:  # more often than any schedule
            await closer(engine).close_abandoned_turns()
            times += [second] * (await rescued(engine)).count(message.message_id)
    assert times == [20, 40, 80, 160, 280, 400, 520]
    assert (await current_message(engine, message)).rescues == len(times)


async def test_what_waits_behind_a_full_pool_is_not_notified_of_again_and_not_lost(
    engine: TestedEngine, clock: ManualClock
) -> None:
    running = await claimed_turn(engine)
    waiting = [await queued_message(engine, await stored_session(engine)) for _ in range(3)]
    clock.advance(20)
    assert await closer(engine, max_turns=1).close_abandoned_turns() == AbandonedTurns(lost=0, waiting=3)
    assert await rescued(engine) == []
    await engine.turns.release_lease(running, clock.now(), clock.now() + timedelta(seconds=300))
    assert await closer(engine, max_turns=1).close_abandoned_turns() == AbandonedTurns(lost=3, waiting=0)
    assert sorted(await rescued(engine)) == sorted(message.message_id for message in waiting)


async def test_a_dead_workers_turn_is_lost_behind_a_full_pool_too_and_fails_there_when_its_attempts_are_spent(
    engine: TestedEngine, clock: ManualClock
) -> None:
    dead = await claimed_turn(engine)
    spent = await queued_message(engine, await stored_session(engine))
    for _ in range(MAX_ATTEMPTS):
        clock.advance(LEASE.total_seconds())
        await try_claim(engine, spent.message_id)
    clock.advance(LEASE.total_seconds())
    await claimed_turn(engine)
    assert await closer(engine, max_turns=1).close_abandoned_turns() == AbandonedTurns(lost=2, waiting=0)
    assert await rescued(engine) == []
    assert (await current_message(engine, spent)).status is MessageStatus.FAILED
    assert (await current_message(engine, dead)).status is MessageStatus.RUNNING


async def test_all_lost_turns_are_found_in_one_search_however_many_they_are(
    engine: TestedEngine, clock: ManualClock
) -> None:
    count = 40  # that the list itself goes beyond any page is shown for it alone
    lost = [(await queued_message(engine, await stored_session(engine))).message_id for _ in range(count)]
    clock.advance(20)
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=count, waiting=0)
    assert sorted(await rescued(engine)) == sorted(lost)
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=0, waiting=0)


async def test_a_rescue_goes_on_with_its_sessions_next_messages_whose_notifications_are_held_up(
    engine: TestedEngine, clock: ManualClock, tmp_path: Path
) -> None:
    shop = await shop_of(engine, tmp_path, *(Draft(f"Answer {number}", None) for number in range(3)))
    messages = [await send(engine, await shop.queue(f"Question {number}")) for number in range(3)]
    assert await fail_to_start(engine) == [notification_of(messages[0])]  # the others are held up behind it
    clock.advance(20)
    await closer(engine).close_abandoned_turns()
    handled = await work(engine, shop)
    assert [bell.message_id for bell in handled] == [message.message_id for message in messages]
    assert all(bell.is_rescue for bell in handled)
    assert [(await shop.find(message)).content for message in messages] == ["Answer 0", "Answer 1", "Answer 2"]
    clock.advance(HIDDEN_SECONDS + 1)
    assert await work(engine, shop) == [notification_of(message) for message in messages]
    assert len(shop.agents.briefs) == 3


async def test_the_message_behind_one_that_is_failed_is_notified_of_at_once(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    spent, following = await queued_message(engine, session), await queued_message(engine, session)
    for _ in range(MAX_ATTEMPTS):
        await try_claim(engine, spent.message_id)
        clock.advance(LEASE.total_seconds())
    assert await closer(engine).close_abandoned_turns() == AbandonedTurns(lost=1, waiting=0)
    assert (await current_message(engine, spent)).status is MessageStatus.FAILED
    assert await rescued(engine) == [following.message_id]
