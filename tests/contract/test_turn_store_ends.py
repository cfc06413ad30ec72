"""Contract of TurnStore: a turn ends in one transaction."""

import asyncio
from dataclasses import replace

import pytest

from backend.app.domain.errors import StaleBaseError, TurnCancelRequestedError
from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.projects.project import ProjectChange
from backend.app.domain.turns.ports import ClaimResult
from shared.token_usage import TokenUsage
from tests.contract.builders import (
    ITEMS,
    answer_of,
    cancel,
    claimed_again,
    claimed_turn,
    complete,
    current_message,
    current_session,
    everything_of,
    next_version,
    record_response,
    stored_project,
    stored_session,
    try_claim,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import (
    CANCELLED,
    FAILURE,
    USAGE,
    answer_event,
    cancelled_event,
    failed_event,
    iteration_event,
)
from tests.manual_time import ManualClock


async def test_a_completed_turn_leaves_its_answer_in_the_message(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    await record_response(engine, turn)
    before = await current_message(engine, turn)
    clock.advance(5)
    await complete(engine, turn)
    assert await current_message(engine, turn) == replace(
        before,
        status=MessageStatus.COMPLETED,
        content="Done",
        base_version=1,
        version=1,
        iterations=2,
        completed_at=clock.now(),
        lease_until=None,
    )


async def test_a_completed_turn_changes_code_message_events_and_counters_together(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project)
    turn = await claimed_turn(engine, session)
    await record_response(engine, turn)
    version = next_version(engine, project, 2, turn.message_id)
    event = await complete(engine, turn, version)

    message = await current_message(engine, turn)
    assert (message.status, message.base_version, message.version) == (MessageStatus.COMPLETED, 1, 2)
    assert message.patch == "a patch"
    changed = await engine.projects.find_project(project.project_id)
    assert changed is not None
    assert (changed.version, changed.code, changed.nodes) == (2, version.code, version.nodes)
    assert await engine.projects.find_code_version(project.project_id, 2) == version
    page = await engine.events.read_events(turn.project_id, turn.session_id, 0)
    assert page is not None
    assert (page.events[-1], page.last_seq) == (event, event.seq)
    current = await current_session(engine, session)
    assert (current.completed_number, current.last_seq, current.token_usage) == (1, event.seq, USAGE)


async def test_the_answer_counts_the_usage_of_all_attempts(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    await record_response(engine, turn)
    turn = await claimed_again(engine, turn)
    await record_response(engine, turn, usage=TokenUsage(prompt_tokens=1, completion_tokens=2, total_tokens=3))
    draft = answer_event(engine, turn)
    logged = await engine.turns.complete_turn(turn, answer_of(), None, draft)
    usage = USAGE + TokenUsage(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    assert logged == draft.model_copy(update={"seq": 3, "token_usage": usage})
    assert (await current_message(engine, turn)).token_usage == usage


async def test_completing_again_by_the_same_attempt_returns_the_same_event_and_changes_nothing(
    engine: TestedEngine, clock: ManualClock
) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project)
    turn = await claimed_turn(engine, session)
    await record_response(engine, turn)
    version = next_version(engine, project, 2, turn.message_id)
    event = await complete(engine, turn, version)
    following = await claimed_turn(engine, session)
    await engine.turns.append_event(following, iteration_event(engine, following))
    await complete(engine, following)
    before = await everything_of(engine, session)
    clock.advance(5)
    again = await engine.turns.complete_turn(turn, answer_of(version), version, answer_event(engine, turn, 2))
    assert again == event
    assert await everything_of(engine, session) == before


async def test_completing_eight_times_at_once_completes_once(engine: TestedEngine, other_engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    drafts = [answer_event(engine, turn) for _ in range(8)]
    engines = (engine, other_engine) * 4
    events = await asyncio.gather(
        *(each.turns.complete_turn(turn, answer_of(), None, draft) for each, draft in zip(engines, drafts, strict=True))
    )
    assert len({event.event_id for event in events}) == 1
    assert (await current_session(engine, turn)).last_seq == 1


async def test_a_completed_turn_outlives_its_process(engine: TestedEngine, reopen: Reopen) -> None:
    turn = await claimed_turn(engine)
    event = await complete(engine, turn)
    before = await everything_of(engine, turn)
    engine = await reopen()
    assert await everything_of(engine, turn) == before
    assert await engine.turns.complete_turn(turn, answer_of(), None, answer_event(engine, turn)) == event


async def test_a_turn_whose_base_is_stale_changes_nothing(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    turn = await claimed_turn(engine, await stored_session(engine, project))
    change = ProjectChange(code=replace(next_version(engine, project), code="code = 'by hand'\n"))
    await engine.projects.update_project(project.project_id, change, engine.clock.now())
    before = await everything_of(engine, turn)
    for number in (1, 2, 4):
        version = next_version(engine, project, number, turn.message_id)
        with pytest.raises(StaleBaseError):
            await engine.turns.complete_turn(turn, answer_of(version), version, answer_event(engine, turn, number))
    assert await everything_of(engine, turn) == before


async def test_a_turn_completes_after_a_stale_base_with_the_next_version(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    turn = await claimed_turn(engine, await stored_session(engine, project))
    change = ProjectChange(code=next_version(engine, project))
    await engine.projects.update_project(project.project_id, change, engine.clock.now())
    with pytest.raises(StaleBaseError):
        await complete(engine, turn, next_version(engine, project, 2, turn.message_id))
    assert (await complete(engine, turn, next_version(engine, project, 3, turn.message_id))).seq == 1


async def test_a_turn_that_changes_no_code_completes_though_the_code_changed(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    turn = await claimed_turn(engine, await stored_session(engine, project))
    change = ProjectChange(code=next_version(engine, project))
    updated = await engine.projects.update_project(project.project_id, change, engine.clock.now())
    await complete(engine, turn)
    assert (await current_message(engine, turn)).status is MessageStatus.COMPLETED
    assert await engine.projects.find_project(project.project_id) == updated


async def test_a_turn_that_was_asked_to_stop_changes_nothing_by_completing(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    turn = await claimed_turn(engine, await stored_session(engine, project))
    await engine.turns.store_items(turn, ITEMS)
    await cancel(engine, turn)
    before = await everything_of(engine, turn)
    for version in (None, next_version(engine, project, 2, turn.message_id)):
        event = answer_event(engine, turn, 1 if version is None else 2)
        with pytest.raises(TurnCancelRequestedError):
            await engine.turns.complete_turn(turn, answer_of(version), version, event)
    assert await everything_of(engine, turn) == before


async def test_a_failed_turn_keeps_usage_and_responses(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    await record_response(engine, turn)
    responses = await engine.messages.list_responses(turn.message_id)
    before = await current_message(engine, turn)
    clock.advance(5)
    draft = failed_event(engine, turn)
    logged = await engine.turns.end_turn(turn, MessageStatus.FAILED, FAILURE, 2, draft)
    assert logged == draft.model_copy(update={"seq": 2, "token_usage": USAGE})
    assert await current_message(engine, turn) == replace(
        before,
        status=MessageStatus.FAILED,
        error=FAILURE,
        iterations=2,
        completed_at=clock.now(),
        lease_until=None,
    )
    assert await engine.messages.list_responses(turn.message_id) == responses
    page = await engine.events.read_events(turn.project_id, turn.session_id, 1)
    assert page is not None
    assert page.events == (logged,)


async def test_a_cancelled_turn_ends_with_its_event(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    draft = cancelled_event(engine, turn)
    logged = await engine.turns.end_turn(turn, MessageStatus.CANCELLED, CANCELLED, 1, draft)
    assert logged == draft.model_copy(update={"seq": 1})
    message = await current_message(engine, turn)
    assert (message.status, message.error, message.iterations) == (MessageStatus.CANCELLED, CANCELLED, 1)
    assert (await try_claim(engine, turn.message_id))[0] is ClaimResult.NOT_OPEN
