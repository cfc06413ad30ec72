"""What every EventLogReader owes; what it owes once events ran out or are large is in test_event_log_bounds."""

import asyncio

import pytest

from backend.app.domain.messages.message import MessageStatus
from shared.event_log import EventLogReader, EventPage
from shared.events import LoggedEvent
from tests.contract.builders import (
    cancel,
    claimed_turn,
    complete,
    delete,
    fail,
    queued_message,
    record_response,
    stored_project,
    stored_session,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import CANCELLED, cancelled_event, iteration_event, started_event


def _reader(engine: TestedEngine) -> EventLogReader:
    return engine.events


async def _append(engine: TestedEngine, count: int) -> list[LoggedEvent]:
    """That many events of a new session."""
    turn = await claimed_turn(engine)
    return [await engine.turns.append_event(turn, iteration_event(engine, turn, f"né ☂ {n}")) for n in range(count)]


async def _read(engine: TestedEngine, event: LoggedEvent, after: int = 0, limit: int = 200) -> EventPage:
    page = await _reader(engine).read_events(event.project_id, event.session_id, after, limit)
    assert page is not None
    return page


async def test_events_of_every_kind_are_read_as_they_were_logged(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    logged: list[LoggedEvent] = []
    turn = await claimed_turn(engine, session)
    logged.append(await engine.turns.append_event(turn, started_event(engine, turn)))
    logged.append(await engine.turns.append_event(turn, iteration_event(engine, turn)))
    logged.append(await record_response(engine, turn))
    logged.append(await complete(engine, turn))
    logged.append(await fail(engine, await claimed_turn(engine, session)))
    turn = await claimed_turn(engine, session)
    event = cancelled_event(engine, turn)
    logged.append(await engine.turns.end_turn(turn, MessageStatus.CANCELLED, CANCELLED, 1, event))
    _, cancelled = await cancel(engine, await queued_message(engine, session))
    assert cancelled is not None
    logged.append(cancelled)
    assert [event.seq for event in logged] == [1, 2, 3, 4, 5, 6, 7]
    assert await _read(engine, logged[0]) == EventPage(tuple(logged), last_seq=7)


async def test_a_session_without_events_has_an_empty_log(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    page = await _reader(engine).read_events(session.project_id, session.session_id, 0)
    assert page == EventPage((), last_seq=0)
    assert not page.has_more


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_the_pages_of_events_hold_each_once_in_order(engine: TestedEngine, limit: int) -> None:
    logged = await _append(engine, 5)
    pages = [await _read(engine, logged[0], 0, limit)]
    while pages[-1].has_more:
        pages.append(await _read(engine, logged[0], pages[-1].events[-1].seq, limit))
    assert [event for page in pages for event in page.events] == logged
    assert [len(page.events) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert {(page.last_seq, page.truncated, page.deleted) for page in pages} == {(5, False, False)}


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_only_events_above_the_asked_number_come(engine: TestedEngine, after: int) -> None:
    logged = await _append(engine, 3)
    assert await _read(engine, logged[0], after) == EventPage(tuple(logged[after:]), last_seq=3)


@pytest.mark.parametrize("after", [3, 4, 10**9])
async def test_a_number_beyond_the_end_gives_an_empty_page(engine: TestedEngine, after: int) -> None:
    (event, *_) = await _append(engine, 3)
    page = await _read(engine, event, after)
    assert page == EventPage((), last_seq=3)
    assert not page.has_more


async def test_reading_changes_nothing_however_often_and_by_how_many(engine: TestedEngine) -> None:
    logged = await _append(engine, 3)
    pages = await asyncio.gather(*(_read(engine, logged[0], 0, 2) for _ in range(8)))
    assert pages == [EventPage(tuple(logged[:2]), last_seq=3)] * 8
    assert await _read(engine, logged[0]) == EventPage(tuple(logged), last_seq=3)


async def test_another_process_reads_an_event_at_once(engine: TestedEngine, other_engine: TestedEngine) -> None:
    logged = await _append(engine, 3)
    assert await _read(other_engine, logged[0]) == EventPage(tuple(logged), last_seq=3)


async def test_events_outlive_their_process(engine: TestedEngine, reopen: Reopen) -> None:
    logged = await _append(engine, 3)
    assert await _read(await reopen(), logged[0]) == EventPage(tuple(logged), last_seq=3)


async def test_sessions_do_not_share_their_events(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session, other = await stored_session(engine, project), await stored_session(engine, project, node_id="triage")
    turns = [await claimed_turn(engine, session), await claimed_turn(engine, other)]
    for _ in range(3):
        for turn in turns:
            await engine.turns.append_event(turn, iteration_event(engine, turn))
    for each in (session, other):
        page = await _reader(engine).read_events(project.project_id, each.session_id, 0)
        assert page is not None
        assert [(event.session_id, event.seq) for event in page.events] == [(each.session_id, n) for n in (1, 2, 3)]


async def test_a_foreign_session_and_none_at_all_are_the_same(engine: TestedEngine) -> None:
    (event,) = await _append(engine, 1)
    foreign = await stored_project(engine)
    assert await _reader(engine).read_events(foreign.project_id, event.session_id, 0) is None
    assert await _reader(engine).read_events(event.project_id, engine.ids.new_id(), 0) is None
    assert await _reader(engine).read_events(engine.ids.new_id(), event.session_id, 0) is None


async def test_a_deleted_session_has_its_end_left_only(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    for _ in range(3):
        await engine.turns.append_event(turn, iteration_event(engine, turn))
    end = await delete(engine, session)
    assert end is not None
    for after in (0, 1, 3):
        page = await _read(engine, end, after)
        assert (page.events, page.last_seq, page.deleted, page.has_more) == ((end,), 4, True, False)
    for after in (4, 99):
        page = await _read(engine, end, after)
        assert (page.events, page.last_seq, page.deleted, page.has_more) == ((), 4, True, False)


async def test_a_deleted_session_of_a_foreign_project_is_none(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    await delete(engine, session)
    foreign = await stored_project(engine)
    assert await _reader(engine).read_events(foreign.project_id, session.session_id, 0) is None


async def test_the_newest_numbers_of_all_live_sessions_of_a_project_are_read_at_once(engine: TestedEngine) -> None:
    project, foreign = await stored_project(engine), await stored_project(engine)
    silent = await stored_session(engine, project)
    busy = await stored_session(engine, project, node_id="triage")
    deleted = await stored_session(engine, project, node_id="billing")
    turns = [await claimed_turn(engine, busy), await claimed_turn(engine, await stored_session(engine, foreign))]
    for turn in (*turns, turns[0]):
        await engine.turns.append_event(turn, iteration_event(engine, turn))
    await delete(engine, deleted)
    expected = {silent.session_id: 0, busy.session_id: 2}
    assert await _reader(engine).read_last_seqs(project.project_id) == expected
    assert await _reader(engine).read_last_seqs(project.project_id) == expected


async def test_no_project_has_no_newest_numbers(engine: TestedEngine) -> None:
    await stored_session(engine)
    assert await _reader(engine).read_last_seqs(engine.ids.new_id()) == {}
