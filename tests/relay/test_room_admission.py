"""A newcomer gets what it has missed, then hears the room: without a gap, and nothing twice."""

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import Event
from tests.contract.builders import delete, stored_project
from tests.relay.rooms import Audience, Heard, Reads, WatchedLog, Writer, numbers

WEEK = 7 * 24 * 60 * 60


@pytest.fixture
def newcomer() -> Heard:
    return Heard()


async def test_a_newcomer_gets_the_history_and_then_what_comes(
    room: RoomCursor, writer: Writer, audience: Audience, newcomer: Heard
) -> None:
    for event in await writer.log_many(3):
        await room.hear(event)
    admission = await room.admit({writer.session_id: 0}, newcomer.hear, audience.joining(newcomer))
    assert newcomer.seqs(writer.session_id) == [1, 2, 3]
    assert admission.last_seq == {writer.session_id: 3}
    assert (admission.truncated, admission.deleted) == ([], [])
    await room.hear(await writer.log())
    assert newcomer.seqs(writer.session_id) == [1, 2, 3, 4]


async def test_a_newcomer_gets_only_what_it_does_not_have(
    room: RoomCursor, writer: Writer, audience: Audience, newcomer: Heard
) -> None:
    await writer.log_many(5)
    await room.admit({writer.session_id: 3}, newcomer.hear, audience.joining(newcomer))
    await room.hear(await writer.log())
    assert newcomer.seqs(writer.session_id) == [4, 5, 6]


async def test_a_newcomer_that_asks_for_nothing_hears_the_room_from_where_it_is_told(
    room: RoomCursor, writer: Writer, audience: Audience, newcomer: Heard
) -> None:
    for event in await writer.log_many(2):
        await room.hear(event)
    admission = await room.admit({}, newcomer.hear, audience.joining(newcomer))
    assert admission.last_seq == {writer.session_id: 2}
    assert newcomer.events == []
    await room.hear(await writer.log())
    assert newcomer.seqs(writer.session_id) == [3]


async def test_what_the_bus_still_carries_reaches_a_newcomer_once(
    room: RoomCursor, writer: Writer, audience: Audience, heard: Heard, newcomer: Heard
) -> None:
    carried = await writer.log_many(4)
    await room.admit({writer.session_id: 1}, newcomer.hear, audience.joining(newcomer))
    # The room was brought up to date with it, for everybody.
    assert heard.seqs(writer.session_id) == [1, 2, 3, 4]
    for event in carried:
        await room.hear(event)
    assert newcomer.seqs(writer.session_id) == [2, 3, 4]
    assert heard.seqs(writer.session_id) == [1, 2, 3, 4]


async def test_a_history_of_several_pages_is_replayed_in_order(
    room: RoomCursor, writer: Writer, audience: Audience, newcomer: Heard
) -> None:
    await writer.log_many(450)
    await room.admit({writer.session_id: 0}, newcomer.hear, audience.joining(newcomer))
    assert newcomer.seqs(writer.session_id) == numbers(1, 450)


@pytest.mark.parametrize("read", range(1, 6))
async def test_an_event_that_is_logged_while_a_newcomer_is_let_in_reaches_it_once(
    room: RoomCursor, writer: Writer, log: WatchedLog, audience: Audience, heard: Heard, newcomer: Heard, read: int
) -> None:
    published: list[Event] = [*await writer.log_many(2)]
    reads = 0

    async def meanwhile(_: str) -> None:
        nonlocal reads
        reads += 1
        if reads == read:
            published.append(await writer.log())

    log.on_read = meanwhile
    await room.admit({writer.session_id: 0}, newcomer.hear, audience.joining(newcomer))
    log.on_read = None
    for event in [*published, await writer.log()]:
        await room.hear(event)
    expected = numbers(1, 4 if len(published) == 3 else 3)
    assert heard.seqs(writer.session_id) == expected
    assert newcomer.seqs(writer.session_id) == expected


async def test_several_sessions_are_replayed_each_from_its_own_number(
    room: RoomCursor, writer: Writer, project: Project, engine: LocalEngine, audience: Audience, newcomer: Heard
) -> None:
    other, third = [await Writer.begin(engine, project, name) for name in ("billing", "triage")]
    for each in (writer, other, third):
        await each.log_many(3)
    after = {writer.session_id: 0, other.session_id: 2}
    admission = await room.admit(after, newcomer.hear, audience.joining(newcomer))
    assert newcomer.seqs(writer.session_id) == [1, 2, 3]
    assert newcomer.seqs(other.session_id) == [3]
    assert newcomer.seqs(third.session_id) == []
    assert admission.last_seq[writer.session_id] == admission.last_seq[other.session_id] == 3


async def test_unknown_and_foreign_sessions_are_truncated_alike(
    room: RoomCursor, engine: LocalEngine, audience: Audience, newcomer: Heard
) -> None:
    foreign = await Writer.begin(engine, await stored_project(engine, name="Foreign"))
    await foreign.log_many(2)
    after = {"unknown": 0, foreign.session_id: 0}
    admission = await room.admit(after, newcomer.hear, audience.joining(newcomer))
    assert admission.truncated == ["unknown", foreign.session_id]
    assert (admission.deleted, admission.last_seq, newcomer.events) == ([], {}, [])


async def test_a_newcomer_with_many_sessions_that_are_not_there_costs_few_reads_and_gets_the_others(
    room: RoomCursor, writer: Writer, log: WatchedLog, audience: Audience, newcomer: Heard
) -> None:
    await writer.log_many(3)
    reads = Reads(log)
    unknown = [f"unknown-{number}" for number in range(199)]
    after = {**dict.fromkeys(unknown, 0), writer.session_id: 1}
    admission = await room.admit(after, newcomer.hear, audience.joining(newcomer))
    assert sorted(admission.truncated) == sorted(unknown)
    assert (newcomer.seqs(writer.session_id), admission.last_seq) == ([2, 3], {writer.session_id: 3})
    assert reads.count(writer.session.project_id) < 30


@pytest.mark.parametrize("erased", [False, True])
async def test_a_deleted_session_is_named_and_not_replayed(
    room: RoomCursor, writer: Writer, engine: LocalEngine, audience: Audience, newcomer: Heard, erased: bool
) -> None:
    await writer.log_many(3)
    await delete(engine, writer.session)
    if erased:
        await engine.erasure.erase_records(writer.session_id, final=True)
    admission = await room.admit({writer.session_id: 1}, newcomer.hear, audience.joining(newcomer))
    assert (admission.deleted, admission.truncated) == ([writer.session_id], [])
    assert newcomer.seqs(writer.session_id) == []
    assert writer.session_id not in admission.last_seq


async def test_a_session_that_is_deleted_while_a_newcomer_is_let_in_is_named(
    room: RoomCursor, writer: Writer, engine: LocalEngine, log: WatchedLog, audience: Audience, newcomer: Heard
) -> None:
    await writer.log_many(3)
    reads = 0

    async def meanwhile(_: str) -> None:
        nonlocal reads
        reads += 1
        if reads == 2:
            await delete(engine, writer.session)

    log.on_read = meanwhile
    admission = await room.admit({writer.session_id: 0}, newcomer.hear, audience.joining(newcomer))
    assert admission.deleted == [writer.session_id]
    assert writer.session_id not in admission.last_seq


async def test_a_number_above_the_last_one_is_truncated_and_what_comes_is_heard(
    room: RoomCursor, writer: Writer, audience: Audience, newcomer: Heard
) -> None:
    await writer.log_many(2)
    admission = await room.admit({writer.session_id: 9}, newcomer.hear, audience.joining(newcomer))
    assert (admission.truncated, admission.deleted) == ([writer.session_id], [])
    assert admission.last_seq == {writer.session_id: 2}
    assert newcomer.events == []
    await room.hear(await writer.log())
    assert newcomer.seqs(writer.session_id) == [3]


@pytest.mark.parametrize("left", [0, 2])
async def test_an_expired_history_is_truncated_and_the_rest_goes_on(
    room: RoomCursor, writer: Writer, engine: LocalEngine, audience: Audience, newcomer: Heard, left: int
) -> None:
    await writer.log_many(3)
    engine.clock.advance(WEEK)  # type: ignore[attr-defined]
    await writer.log_many(left)
    admission = await room.admit({writer.session_id: 1}, newcomer.hear, audience.joining(newcomer))
    assert admission.truncated == [writer.session_id]
    await room.hear(await writer.log())
    assert newcomer.seqs(writer.session_id) == numbers(4, 4 + left)


async def test_a_newcomer_that_has_all_that_expired_is_not_truncated(
    room: RoomCursor, writer: Writer, engine: LocalEngine, audience: Audience, newcomer: Heard
) -> None:
    await writer.log_many(3)
    engine.clock.advance(WEEK)  # type: ignore[attr-defined]
    await writer.log_many(1)
    admission = await room.admit({writer.session_id: 3}, newcomer.hear, audience.joining(newcomer))
    assert admission.truncated == []
    assert newcomer.seqs(writer.session_id) == [4]


async def test_a_newcomer_that_cannot_be_let_in_does_not_harm_the_room(
    room: RoomCursor, writer: Writer, log: WatchedLog, audience: Audience, heard: Heard, newcomer: Heard
) -> None:
    events = await writer.log_many(2)
    log.fail(times=1)
    with pytest.raises(ConnectionError):
        await room.admit({writer.session_id: 0}, newcomer.hear, audience.joining(newcomer))
    for event in events:
        await room.hear(event)
    assert heard.events == events
    assert newcomer.events == []


async def test_a_newcomer_that_vanishes_in_its_replay_does_not_hold_up_the_room(
    room: RoomCursor, writer: Writer, audience: Audience, heard: Heard, newcomer: Heard
) -> None:
    events = await writer.log_many(3)

    async def vanish(_: Event) -> None:
        raise ConnectionError("It is gone")

    with pytest.raises(ConnectionError):
        await room.admit({writer.session_id: 0}, vanish, audience.joining(newcomer))
    await room.hear(events[2])
    assert heard.events == events
