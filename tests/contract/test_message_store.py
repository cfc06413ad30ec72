"""What every MessageStore owes where messages are accepted and read; cancelling is in test_message_cancelling."""

import asyncio
from dataclasses import replace

import pytest

from backend.app.domain.errors import (
    MessageIdConflictError,
    SessionNotFoundError,
    TooManyQueuedMessagesError,
)
from backend.app.domain.messages.message import MessageStatus
from tests.contract.builders import (
    QUEUE_LIMIT,
    cancel,
    claimed_turn,
    complete,
    current_message,
    current_session,
    draft_message,
    draft_session,
    everything_of,
    fail,
    queued_message,
    stored_project,
    stored_session,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock


async def test_a_new_message_is_queued_with_the_next_number(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    for number in (1, 2, 3):
        draft = draft_message(engine, session, f"né ☂ {number}")
        message, is_new, _ = await engine.messages.queue_message(draft, QUEUE_LIMIT)
        assert (message, is_new) == (replace(draft, number=number), True)
        assert message.status is MessageStatus.QUEUED
        assert await engine.messages.find_message(draft.message_id) == message


async def test_every_session_counts_its_own_messages(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    numbers = [(await queued_message(engine, each)).number for each in (session, session, other, session, other)]
    assert numbers == [1, 2, 1, 3, 2]


async def test_a_message_outlives_its_process(engine: TestedEngine, reopen: Reopen) -> None:
    message = await queued_message(engine, await stored_session(engine))
    assert await (await reopen()).messages.find_message(message.message_id) == message


async def test_another_process_sees_a_message_at_once(engine: TestedEngine, other_engine: TestedEngine) -> None:
    message = await queued_message(engine, await stored_session(engine))
    assert await other_engine.messages.find_message(message.message_id) == message


async def test_eight_parallel_messages_get_numbers_without_gaps(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    messages = await asyncio.gather(*(queued_message(engine, session) for _ in range(8)))
    assert sorted(message.number for message in messages) == list(range(1, 9))
    assert (await current_session(engine, session)).message_count == 8


async def test_a_message_sent_again_is_the_stored_one(engine: TestedEngine, clock: ManualClock) -> None:
    session = await stored_session(engine)
    draft = draft_message(engine, session)
    first, *_ = await engine.messages.queue_message(draft, QUEUE_LIMIT)
    clock.advance(5)
    again = await engine.messages.queue_message(replace(draft, created_at=clock.now()), QUEUE_LIMIT)
    assert again == (first, False, None)
    assert (await current_session(engine, session)).message_count == 1


async def test_a_message_sent_again_after_its_end_comes_back_as_it_is_now(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await complete(engine, turn)
    ended = await current_message(engine, turn)
    assert ended.status is MessageStatus.COMPLETED
    draft = replace(draft_message(engine, session), message_id=turn.message_id)
    assert await engine.messages.queue_message(draft, QUEUE_LIMIT) == (ended, False, None)


async def test_one_of_eight_parallel_sends_of_one_message_is_new(engine: TestedEngine) -> None:
    draft = draft_message(engine, await stored_session(engine))
    sent = await asyncio.gather(*(engine.messages.queue_message(draft, QUEUE_LIMIT) for _ in range(8)))
    assert sum(one.is_new for one in sent) == 1
    assert {one.message.number for one in sent} == {1}


async def test_the_same_id_with_another_prompt_is_refused_and_nothing_changes(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    before = await everything_of(engine, session)
    with pytest.raises(MessageIdConflictError):
        await engine.messages.queue_message(replace(message, prompt="Something else"), QUEUE_LIMIT)
    assert await everything_of(engine, session) == before


async def test_the_same_id_in_another_session_is_refused_and_nothing_changes(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    message = await queued_message(engine, session)
    before = await everything_of(engine, session), await everything_of(engine, other)
    with pytest.raises(MessageIdConflictError):
        await engine.messages.queue_message(replace(message, session_id=other.session_id), QUEUE_LIMIT)
    assert (await everything_of(engine, session), await everything_of(engine, other)) == before


async def test_the_21st_waiting_message_is_refused_and_nothing_changes(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    messages = [await queued_message(engine, session) for _ in range(20)]
    before = await everything_of(engine, session)
    with pytest.raises(TooManyQueuedMessagesError):
        await engine.messages.queue_message(draft_message(engine, session), 20)
    assert await everything_of(engine, session) == before
    assert await engine.messages.queue_message(messages[0], 20) == (messages[0], False, None)


async def test_running_and_ended_messages_take_no_place_in_the_queue(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    await complete(engine, await claimed_turn(engine, session))
    await fail(engine, await claimed_turn(engine, session))
    await cancel(engine, await queued_message(engine, session))
    await claimed_turn(engine, session)
    assert (await engine.messages.queue_message(draft_message(engine, session), 1)).is_new
    with pytest.raises(TooManyQueuedMessagesError):
        await engine.messages.queue_message(draft_message(engine, session), 1)


async def test_a_full_queue_is_no_other_sessions_concern(engine: TestedEngine) -> None:
    session, other = await stored_session(engine), await stored_session(engine)
    await queued_message(engine, session)
    assert (await engine.messages.queue_message(draft_message(engine, other), 1)).is_new


async def test_no_message_is_accepted_without_its_session(engine: TestedEngine) -> None:
    draft = draft_message(engine, draft_session(engine, await stored_project(engine)))
    with pytest.raises(SessionNotFoundError):
        await engine.messages.queue_message(draft, QUEUE_LIMIT)
    assert await engine.messages.find_message(draft.message_id) is None


async def test_an_unknown_message_is_none(engine: TestedEngine) -> None:
    await queued_message(engine, await stored_session(engine))
    assert await engine.messages.find_message(engine.ids.new_id()) is None
