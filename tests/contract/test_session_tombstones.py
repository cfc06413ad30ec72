"""What every store owes once a session is deleted: it is as if the session had never been."""

import asyncio

import pytest

from backend.app.domain.errors import MessageNotFoundError, SessionNotFoundError, TurnFencedError
from backend.app.domain.messages.message import TurnRef
from backend.app.domain.page import Page
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.ports import ClaimResult, HeartbeatResult
from tests.contract.builders import (
    LEASE,
    MAX_ATTEMPTS,
    QUEUE_LIMIT,
    cancel,
    claimed_turn,
    complete,
    delete,
    draft_message,
    draft_session,
    everything_of,
    queued_message,
    record_response,
    stored_project,
    stored_session,
    try_claim,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import DELETED, deleted_event, iteration_event
from tests.contract.turn_writes import WRITES


async def _session_with_turns(engine: TestedEngine, session: Session) -> tuple[TurnRef, TurnRef]:
    """A completed turn and a running one."""
    done = await claimed_turn(engine, session)
    await record_response(engine, done)
    await complete(engine, done)
    running = await claimed_turn(engine, session)
    await record_response(engine, running)
    return done, running


async def test_a_deleted_session_is_not_found_and_not_listed(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    await delete(engine, session)
    assert await engine.sessions.find_session(session.session_id) is None
    assert (await engine.sessions.list_sessions(project.project_id, 50, None)).items == (other,)


async def test_the_end_of_a_session_is_logged_with_the_next_number(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await engine.turns.append_event(turn, iteration_event(engine, turn))
    event = deleted_event(engine, session)
    logged = await engine.sessions.delete_session(session.session_id, event, DELETED)
    assert logged == event.model_copy(update={"seq": 2})
    page = await engine.events.read_events(session.project_id, session.session_id, 0)
    assert page is not None
    assert (page.events, page.last_seq, page.deleted) == ((logged,), 2, True)


async def test_a_deleted_session_frees_its_key_at_once(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project, node_id="triage")
    await queued_message(engine, session)
    await delete(engine, session)
    draft = draft_session(engine, project, "triage")
    assert await engine.sessions.start_session(draft) == (draft, True)
    assert await engine.turns.find_open_message(draft.session_id) is None


async def test_deleting_again_is_none_and_logs_nothing(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    await delete(engine, session)
    before = await everything_of(engine, session)
    assert await delete(engine, session) is None
    assert await everything_of(engine, session) == before


async def test_deleting_again_leaves_the_next_session_of_the_key(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project)
    await delete(engine, session)
    successor = await stored_session(engine, project)
    assert await delete(engine, session) is None
    assert await engine.sessions.find_session(successor.session_id) == successor


async def test_deleting_no_session_is_none(engine: TestedEngine) -> None:
    draft = draft_session(engine, await stored_project(engine))
    assert await delete(engine, draft) is None


async def test_one_of_eight_parallel_deletes_logs_the_end(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    logged = await asyncio.gather(*(delete(engine, session) for _ in range(8)))
    assert [event.seq for event in logged if event is not None] == [1]


async def test_a_deleted_session_stays_deleted_after_a_restart(engine: TestedEngine, reopen: Reopen) -> None:
    session = await stored_session(engine)
    await delete(engine, session)
    assert await (await reopen()).sessions.find_session(session.session_id) is None


async def test_the_messages_of_a_deleted_session_are_deleted(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    done, running = await _session_with_turns(engine, session)
    await delete(engine, session)
    for turn in (done, running):
        assert await engine.messages.find_message(turn.message_id) is None
    assert await engine.messages.list_messages(session.session_id, 10, None, ascending=True) == Page(())


async def test_the_model_responses_of_a_deleted_session_are_deleted(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    done, running = await _session_with_turns(engine, session)
    await delete(engine, session)
    assert list(await engine.messages.list_responses(done.message_id)) == []
    assert list(await engine.messages.list_responses(running.message_id)) == []


async def test_the_completed_turns_of_a_deleted_session_are_deleted(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    await _session_with_turns(engine, session)
    await delete(engine, session)
    assert list(await engine.turns.list_completed_turns(session.session_id, 0, 10)) == []


async def test_no_turn_of_a_deleted_session_is_open_or_can_be_taken(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    queued = await queued_message(engine, session)
    await delete(engine, session)
    assert await engine.turns.find_open_message(session.session_id) is None
    assert (await try_claim(engine, queued.message_id))[0] is ClaimResult.NOT_OPEN
    later = engine.clock.now() + LEASE * 2
    outcome, _ = await engine.turns.claim_turn(turn.message_id, later, later + LEASE, MAX_ATTEMPTS)
    assert outcome is ClaimResult.NOT_OPEN


async def test_a_deleted_session_accepts_no_message(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    known = await queued_message(engine, session)
    await delete(engine, session)
    for message in (draft_message(engine, session), known):
        with pytest.raises(SessionNotFoundError):
            await engine.messages.queue_message(message, QUEUE_LIMIT)


async def test_no_message_of_a_deleted_session_can_be_cancelled(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    message = await queued_message(engine, session)
    await delete(engine, session)
    before = await everything_of(engine, session)
    with pytest.raises(MessageNotFoundError):
        await cancel(engine, message)
    assert await everything_of(engine, session) == before


@pytest.mark.parametrize("write", WRITES)
async def test_a_turn_that_runs_on_writes_nothing_into_a_deleted_session(engine: TestedEngine, write: str) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await delete(engine, session)
    before = await everything_of(engine, session)
    with pytest.raises(TurnFencedError):
        await WRITES[write](engine, turn)
    assert await everything_of(engine, session) == before


async def test_a_completed_turn_cannot_complete_again_once_its_session_is_deleted(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    await complete(engine, turn)
    await delete(engine, session)
    with pytest.raises(TurnFencedError):
        await complete(engine, turn)


async def test_deleting_a_session_leaves_the_others_as_they_are(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    await _session_with_turns(engine, session)
    _, running = await _session_with_turns(engine, other)
    before = await everything_of(engine, other)
    await delete(engine, session)
    assert await everything_of(engine, other) == before
    assert await engine.turns.heartbeat(running, None) == HeartbeatResult(cancel_requested=False)
