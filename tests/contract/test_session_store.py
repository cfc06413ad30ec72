"""What every SessionStore owes to live sessions; what it owes once one is deleted is in test_session_tombstones."""

import asyncio

import pytest

from backend.app.domain.errors import ProjectNotFoundError
from backend.app.domain.sessions.session import Session
from shared.token_usage import TokenUsage
from tests.contract.builders import (
    cancel,
    claim,
    claimed_again,
    claimed_turn,
    complete,
    current_session,
    draft_project,
    draft_session,
    fail,
    queued_message,
    record_response,
    stored_project,
    stored_session,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import USAGE, iteration_event
from tests.manual_time import ManualClock


async def test_a_new_session_is_found_as_it_was_stored(engine: TestedEngine) -> None:
    draft = draft_session(engine, await stored_project(engine), node_id="triage")
    assert await engine.sessions.start_session(draft) == (draft, True)
    assert await engine.sessions.find_session(draft.session_id) == draft


async def test_a_session_outlives_its_process(engine: TestedEngine, reopen: Reopen) -> None:
    session = await stored_session(engine)
    assert await (await reopen()).sessions.find_session(session.session_id) == session


async def test_another_process_sees_a_session_at_once(engine: TestedEngine, other_engine: TestedEngine) -> None:
    session = await stored_session(engine)
    assert await other_engine.sessions.find_session(session.session_id) == session


@pytest.mark.parametrize("node_id", [None, "triage"])
async def test_a_key_with_a_live_session_gives_that_session(
    engine: TestedEngine, clock: ManualClock, node_id: str | None
) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project, node_id=node_id)
    clock.advance(1)
    draft = draft_session(engine, project, node_id)
    assert await engine.sessions.start_session(draft) == (session, False)
    assert await engine.sessions.find_session(draft.session_id) is None
    assert (await engine.sessions.list_sessions(project.project_id, 50, None)).items == (session,)


async def test_a_found_session_comes_with_its_counters(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project)
    await complete(engine, await claimed_turn(engine, session))
    found, is_new = await engine.sessions.start_session(draft_session(engine, project))
    assert (found, is_new) == (await current_session(engine, session), False)
    assert found.completed_number == 1


async def test_one_of_eight_parallel_starts_of_one_key_is_new(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    drafts = [draft_session(engine, project) for _ in range(8)]
    started = await asyncio.gather(*(engine.sessions.start_session(draft) for draft in drafts))
    assert sum(is_new for _, is_new in started) == 1
    assert len({session.session_id for session, _ in started}) == 1


async def test_the_project_and_each_of_its_nodes_have_sessions_of_their_own(engine: TestedEngine) -> None:
    project, other = await stored_project(engine), await stored_project(engine)
    started = [
        await stored_session(engine, project),
        await stored_session(engine, project, node_id="triage"),
        await stored_session(engine, project, node_id="Triage"),
        await stored_session(engine, other),
        await stored_session(engine, other, node_id="triage"),
    ]
    assert len({session.session_id for session in started}) == 5


async def test_no_session_starts_without_its_project(engine: TestedEngine) -> None:
    draft = draft_session(engine, draft_project(engine))
    with pytest.raises(ProjectNotFoundError):
        await engine.sessions.start_session(draft)
    assert await engine.sessions.find_session(draft.session_id) is None


async def test_no_session_starts_in_a_deleted_project(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    await engine.projects.delete_project(project.project_id)
    with pytest.raises(ProjectNotFoundError):
        await engine.sessions.start_session(draft_session(engine, project))
    assert (await engine.sessions.list_sessions(project.project_id, 50, None)).items == ()


async def test_a_live_session_of_a_deleted_project_is_not_found_by_its_key(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    await stored_session(engine, project)
    await engine.projects.delete_project(project.project_id)
    with pytest.raises(ProjectNotFoundError):
        await engine.sessions.start_session(draft_session(engine, project))


async def test_an_unknown_session_is_none(engine: TestedEngine) -> None:
    await stored_session(engine)
    assert await engine.sessions.find_session(engine.ids.new_id()) is None


async def test_the_sessions_of_a_project_are_listed_oldest_first(engine: TestedEngine, clock: ManualClock) -> None:
    project, other = await stored_project(engine), await stored_project(engine)
    started: list[Session] = []
    for node_id in ("zeta", None, "alpha"):
        started.append(await stored_session(engine, project, node_id=node_id))
        await stored_session(engine, other, node_id=node_id)
        clock.advance(1)
    assert (await engine.sessions.list_sessions(project.project_id, 50, None)).items == tuple(started)


async def test_the_list_of_no_project_is_empty(engine: TestedEngine) -> None:
    await stored_session(engine)
    assert (await engine.sessions.list_sessions(engine.ids.new_id(), 50, None)).items == ()


async def test_a_session_counts_the_messages_it_accepted(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    for count in (1, 2, 3):
        await queued_message(engine, session)
        assert (await current_session(engine, session)).message_count == count


async def test_a_session_knows_the_number_of_its_newest_completed_message(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    await complete(engine, await claimed_turn(engine, session))
    await fail(engine, await claimed_turn(engine, session))
    assert (await current_session(engine, session)).completed_number == 1
    await cancel(engine, await queued_message(engine, session))
    await complete(engine, await claimed_turn(engine, session))
    assert (await current_session(engine, session)).completed_number == 4


async def test_a_session_knows_the_number_of_its_newest_event(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    for _ in range(3):
        logged = await engine.turns.append_event(turn, iteration_event(engine, turn))
        assert (await current_session(engine, session)).last_seq == logged.seq
    assert (await current_session(engine, session)).last_seq == 3


async def test_the_usage_of_a_session_sums_over_its_ended_messages_and_all_their_attempts(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await record_response(engine, turn, usage=TokenUsage(prompt_tokens=1, completion_tokens=2, total_tokens=3))
    assert (await current_session(engine, session)).token_usage == TokenUsage()
    turn = await claimed_again(engine, turn)
    await record_response(engine, turn, usage=TokenUsage(prompt_tokens=10, completion_tokens=20, total_tokens=30))
    await complete(engine, turn)
    expected = TokenUsage(prompt_tokens=11, completion_tokens=22, total_tokens=33)
    assert (await current_session(engine, session)).token_usage == expected

    failing = await claimed_turn(engine, session)
    await record_response(engine, failing)
    await fail(engine, failing)
    assert (await current_session(engine, session)).token_usage == expected + USAGE

    abandoned = await claim(engine, (await queued_message(engine, session)).message_id)
    await record_response(engine, abandoned)
    clock.advance(61)
    await cancel(engine, abandoned)
    assert (await current_session(engine, session)).token_usage == expected + USAGE + USAGE


async def test_sessions_do_not_share_their_counters(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    turn = await claimed_turn(engine, session)
    await record_response(engine, turn)
    await complete(engine, turn)
    assert await current_session(engine, other) == other


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_the_pages_of_a_projects_sessions_hold_each_once(engine: TestedEngine, limit: int) -> None:
    project = await stored_project(engine)
    started = [await stored_session(engine, project, node_id=f"node_{number}") for number in range(5)]
    found: list[Session] = []
    cursor: str | None = None
    while len(found) < 5:
        page = await engine.sessions.list_sessions(project.project_id, limit, cursor)
        assert 0 < len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
    assert (found, cursor) == (started, None)
