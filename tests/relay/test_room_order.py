"""Every logged event is emitted once, in order, whatever the bus loses, duplicates or reorders."""

import asyncio

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import Event
from tests.contract.builders import delete
from tests.relay.room_fixtures import Recorder, WatchedLog, Writer, numbers, room_cursor


async def test_the_next_event_is_emitted_unchanged(room: RoomCursor, writer: Writer, member: Recorder) -> None:
    events = await writer.log_many(3)
    for event in events:
        await room.handle(event)
    assert member.events == events


async def test_the_next_event_is_emitted_without_a_read_of_the_log(
    room: RoomCursor, writer: Writer, member: Recorder, log: WatchedLog
) -> None:
    event = await writer.log()
    log.fail(times=100)
    await room.handle(event)
    assert member.events == [event]


async def test_an_event_that_was_emitted_before_is_dropped(room: RoomCursor, writer: Writer, member: Recorder) -> None:
    events = await writer.log_many(3)
    for event in [*events, events[0], events[2]]:
        await room.handle(event)
    assert member.events == events


async def test_an_event_from_before_the_room_was_opened_is_dropped(
    project: Project, writer: Writer, engine: LocalEngine
) -> None:
    events = await writer.log_many(3)
    member = Recorder()
    room = room_cursor(project.project_id, engine.events, member.record)
    await room.handle(events[1])
    await room.handle(await writer.log())
    assert member.seqs(writer.session_id) == [4]


async def test_a_gap_is_backfilled_from_the_log_in_order(room: RoomCursor, writer: Writer, member: Recorder) -> None:
    events = await writer.log_many(5)
    await room.handle(events[0])
    await room.handle(events[4])
    assert member.events == events


async def test_a_gap_of_several_pages_is_backfilled(room: RoomCursor, writer: Writer, member: Recorder) -> None:
    events = await writer.log_many(450)
    await room.handle(events[-1])
    assert member.events == events


async def test_duplicated_and_reordered_events_are_emitted_once_and_in_order(
    room: RoomCursor, writer: Writer, member: Recorder
) -> None:
    events = await writer.log_many(6)
    for number in (2, 1, 1, 3, 3, 6, 5, 4, 2):
        await room.handle(events[number - 1])
    assert member.events == events


async def test_a_session_that_began_after_the_room_was_opened_is_emitted_from_its_first_event(
    room: RoomCursor, project: Project, engine: LocalEngine, member: Recorder
) -> None:
    newer = await Writer.begin(engine, project, "billing")
    await room.handle(await newer.log())
    await newer.log()
    await room.handle(await newer.log())
    assert member.seqs(newer.session_id) == [1, 2, 3]


async def test_a_session_without_a_published_event_is_found_by_reconciling(
    room: RoomCursor, project: Project, engine: LocalEngine, member: Recorder
) -> None:
    newer = await Writer.begin(engine, project, "billing")
    await newer.log_many(2)
    assert await room.reconcile() == 1
    assert member.seqs(newer.session_id) == [1, 2]


async def test_sessions_do_not_wait_for_each_other(
    room: RoomCursor, writer: Writer, project: Project, engine: LocalEngine, member: Recorder
) -> None:
    other = await Writer.begin(engine, project, "billing")
    first, late = await writer.log_many(2), await other.log_many(3)
    for event in (late[2], first[0], late[0], first[1]):
        await room.handle(event)
    assert member.seqs(writer.session_id) == [1, 2]
    assert member.seqs(other.session_id) == [1, 2, 3]


async def test_reconciling_finds_lost_events_including_the_last_one(
    room: RoomCursor, writer: Writer, member: Recorder
) -> None:
    events = await writer.log_many(4)
    await room.handle(events[0])
    assert await room.reconcile() == 1
    assert member.events == events
    assert await room.reconcile() == 0
    assert member.events == events


async def test_reconciling_finds_the_gaps_of_several_sessions(
    room: RoomCursor, writer: Writer, project: Project, engine: LocalEngine, member: Recorder
) -> None:
    other = await Writer.begin(engine, project, "billing")
    await writer.log_many(2)
    await other.log_many(3)
    assert await room.reconcile() == 2
    assert (member.seqs(writer.session_id), member.seqs(other.session_id)) == ([1, 2], [1, 2, 3])


@pytest.mark.parametrize("erased", [False, True])
async def test_a_deletion_that_the_bus_lost_reaches_the_room(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder, erased: bool
) -> None:
    await room.handle(await writer.log())
    await writer.log()
    await delete(engine, writer.session)
    if erased:
        await engine.erasure.erase_records(writer.session_id, final=True)
    await room.reconcile()
    assert member.names()[-1] == "session_deleted"
    assert member.names().count("session_deleted") == 1
    assert await room.reconcile() == 0
    assert member.names().count("session_deleted") == 1


@pytest.mark.parametrize("events_before", [0, 3])
async def test_a_duplicated_deletion_is_emitted_once(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder, events_before: int
) -> None:
    for event in await writer.log_many(events_before):
        await room.handle(event)
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    await room.handle(deleted)
    await room.handle(deleted)
    assert member.seqs(writer.session_id) == numbers(1, events_before + 1)


async def test_a_late_deletion_is_not_emitted_again_after_reconciling(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    await room.handle(await writer.log())
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    await room.reconcile()
    await room.handle(deleted)
    assert member.names().count("session_deleted") == 1


async def test_nothing_of_a_session_is_emitted_after_its_deletion(
    room: RoomCursor, writer: Writer, engine: LocalEngine, member: Recorder
) -> None:
    events: list[Event] = [*await writer.log_many(3)]
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    for event in (events[1], deleted, events[0], events[2]):
        await room.handle(event)
    assert member.names()[-1] == "session_deleted"
    assert member.names().count("session_deleted") == 1


async def test_an_event_whose_emit_failed_is_emitted_with_the_next_one(writer: Writer, log: WatchedLog) -> None:
    member, broken = Recorder(), True

    def emit(event: Event) -> None:
        if broken:
            raise ConnectionError("No client can be reached")
        member.record(event)

    room = room_cursor(writer.session.project_id, log, emit)
    await room.reconcile()
    events = await writer.log_many(2)
    with pytest.raises(ConnectionError):
        await room.handle(events[0])
    broken = False
    await room.handle(events[1])
    assert member.events == events


async def test_a_failed_read_of_the_log_does_not_move_the_cursor(
    room: RoomCursor, writer: Writer, member: Recorder, log: WatchedLog
) -> None:
    events = await writer.log_many(4)
    log.fail(times=2)
    with pytest.raises(ConnectionError):
        await room.handle(events[2])
    with pytest.raises(ConnectionError):
        await room.reconcile()
    await room.handle(events[3])
    assert member.events == events


async def test_concurrent_handling_and_reconciling_emit_each_event_once(
    room: RoomCursor, writer: Writer, member: Recorder
) -> None:
    events = await writer.log_many(30)
    handling = [room.handle(event) for event in events[::-3]]
    await asyncio.gather(*handling, *(room.reconcile() for _ in range(5)))
    assert member.events == events
