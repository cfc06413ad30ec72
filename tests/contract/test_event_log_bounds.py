"""What every EventLogReader owes once events are older than the log keeps, or large."""

import pytest

from backend.app.domain.messages.message import TurnRef
from shared.event_log import EventPage
from shared.events import LoggedEvent
from tests.contract.builders import claimed_turn, delete, stored_session
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import iteration_event
from tests.manual_time import ManualClock

WEEK = 7 * 24 * 3600.0
_ABOUT_4_MB = 4_500_000


async def _append(engine: TestedEngine, turn: TurnRef, content: str = "A draft") -> LoggedEvent:
    return await engine.turns.append_event(turn, iteration_event(engine, turn, content))


async def _read(engine: TestedEngine, turn: TurnRef, after: int = 0) -> EventPage:
    page = await engine.events.read_events(turn.project_id, turn.session_id, after)
    assert page is not None
    return page


async def test_an_event_is_kept_for_seven_days(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    event = await _append(engine, turn)
    clock.advance(WEEK - 1)
    assert await _read(engine, turn) == EventPage((event,), last_seq=1)


async def test_an_event_expires_after_seven_days_and_the_page_says_so(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    await _append(engine, turn)
    clock.advance(WEEK + 1)
    page = await _read(engine, turn)
    assert page == EventPage((), last_seq=1, truncated=True)
    assert not page.has_more


async def test_a_page_is_truncated_only_if_requested_events_have_expired(
    engine: TestedEngine, clock: ManualClock
) -> None:
    turn = await claimed_turn(engine)
    await _append(engine, turn)
    await _append(engine, turn)
    clock.advance(WEEK - 10)
    young = (await _append(engine, turn), await _append(engine, turn))
    clock.advance(20)
    assert await _read(engine, turn, 0) == EventPage(young, last_seq=4, truncated=True)
    assert await _read(engine, turn, 1) == EventPage(young, last_seq=4, truncated=True)
    assert await _read(engine, turn, 2) == EventPage(young, last_seq=4)
    assert await _read(engine, turn, 3) == EventPage(young[1:], last_seq=4)
    assert await _read(engine, turn, 4) == EventPage((), last_seq=4)


@pytest.mark.parametrize("after", [2, 3, 99])
async def test_a_client_that_has_seen_all_events_misses_nothing_when_all_have_expired(
    engine: TestedEngine, clock: ManualClock, after: int
) -> None:
    turn = await claimed_turn(engine)
    await _append(engine, turn)
    await _append(engine, turn)
    clock.advance(WEEK + 1)
    assert await _read(engine, turn, after) == EventPage((), last_seq=2)


async def test_numbers_continue_after_all_events_have_expired(engine: TestedEngine, clock: ManualClock) -> None:
    turn = await claimed_turn(engine)
    await _append(engine, turn)
    clock.advance(WEEK + 1)
    event = await _append(engine, turn)
    assert event.seq == 2
    assert await _read(engine, turn, 1) == EventPage((event,), last_seq=2)
    assert await engine.events.read_last_seqs(turn.project_id) == {turn.session_id: 2}


async def test_a_session_stays_deleted_when_its_last_event_has_expired(
    engine: TestedEngine, clock: ManualClock
) -> None:
    session = await stored_session(engine)
    await delete(engine, session)
    clock.advance(WEEK + 1)
    page = await engine.events.read_events(session.project_id, session.session_id, 0)
    assert page is not None
    assert (page.events, page.last_seq, page.deleted) == ((), 1, True)


# 190,000 bytes of ASCII, as large as a logged event gets; and the same bytes in characters of three.
@pytest.mark.parametrize("content", ["a" * 190_000, "天" * 63_000], ids=["ascii", "three-byte"])
async def test_a_page_holds_about_4_mb_at_most_and_the_next_ones_the_rest(engine: TestedEngine, content: str) -> None:
    turn = await claimed_turn(engine)
    for _ in range(45):
        await _append(engine, turn, content)
    pages = [await _read(engine, turn)]
    while pages[-1].has_more:
        pages.append(await _read(engine, turn, pages[-1].events[-1].seq))
    sizes = [sum(len(event.model_dump_json().encode()) for event in page.events) for page in pages]
    assert max(sizes) < _ABOUT_4_MB
    assert [event.seq for page in pages for event in page.events] == list(range(1, 46))
