"""Every logged event goes out once, in order, whatever the bus loses, doubles or swaps."""

import asyncio

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import Event
from tests.contract.builders import delete
from tests.relay.rooms import Heard, WatchedLog, Writer, numbers


async def test_the_next_event_is_passed_on_as_it_came(room: RoomCursor, writer: Writer, heard: Heard) -> None:
    events = await writer.log_many(3)
    for event in events:
        await room.hear(event)
    assert heard.events == events


async def test_the_next_event_is_passed_on_without_a_look_into_the_log(
    room: RoomCursor, writer: Writer, heard: Heard, log: WatchedLog
) -> None:
    event = await writer.log()
    log.fail(times=100)
    await room.hear(event)
    assert heard.events == [event]


async def test_an_event_that_was_told_before_is_dropped(room: RoomCursor, writer: Writer, heard: Heard) -> None:
    events = await writer.log_many(3)
    for event in [*events, events[0], events[2]]:
        await room.hear(event)
    assert heard.events == events


async def test_an_event_from_before_the_room_was_opened_is_dropped(
    project: Project, writer: Writer, engine: LocalEngine
) -> None:
    events = await writer.log_many(3)
    heard = Heard()
    room = RoomCursor(project.project_id, engine.events, heard.take)
    await room.hear(events[1])
    await room.hear(await writer.log())
    assert heard.seqs(writer.session_id) == [4]


async def test_a_hole_is_filled_from_the_log_in_order(room: RoomCursor, writer: Writer, heard: Heard) -> None:
    events = await writer.log_many(5)
    await room.hear(events[0])
    await room.hear(events[4])
    assert heard.events == events


async def test_a_hole_of_several_pages_is_filled_whole(room: RoomCursor, writer: Writer, heard: Heard) -> None:
    events = await writer.log_many(450)
    await room.hear(events[-1])
    assert heard.events == events


async def test_doubled_and_swapped_events_are_told_once_and_in_order(
    room: RoomCursor, writer: Writer, heard: Heard
) -> None:
    events = await writer.log_many(6)
    for number in (2, 1, 1, 3, 3, 6, 5, 4, 2):
        await room.hear(events[number - 1])
    assert heard.events == events


async def test_a_session_that_began_after_the_room_was_opened_is_heard_from_its_first_event(
    room: RoomCursor, project: Project, engine: LocalEngine, heard: Heard
) -> None:
    newer = await Writer.begin(engine, project, "billing")
    await room.hear(await newer.log())
    await newer.log()
    await room.hear(await newer.log())
    assert heard.seqs(newer.session_id) == [1, 2, 3]


async def test_a_session_that_nobody_told_of_is_found_by_filling(
    room: RoomCursor, project: Project, engine: LocalEngine, heard: Heard
) -> None:
    newer = await Writer.begin(engine, project, "billing")
    await newer.log_many(2)
    assert await room.fill() == 1
    assert heard.seqs(newer.session_id) == [1, 2]


async def test_sessions_do_not_wait_for_each_other(
    room: RoomCursor, writer: Writer, project: Project, engine: LocalEngine, heard: Heard
) -> None:
    other = await Writer.begin(engine, project, "billing")
    first, late = await writer.log_many(2), await other.log_many(3)
    for event in (late[2], first[0], late[0], first[1]):
        await room.hear(event)
    assert heard.seqs(writer.session_id) == [1, 2]
    assert heard.seqs(other.session_id) == [1, 2, 3]


async def test_filling_finds_what_the_bus_lost_the_last_event_included(
    room: RoomCursor, writer: Writer, heard: Heard
) -> None:
    events = await writer.log_many(4)
    await room.hear(events[0])
    assert await room.fill() == 1
    assert heard.events == events
    assert await room.fill() == 0
    assert heard.events == events


async def test_filling_finds_the_holes_of_several_sessions(
    room: RoomCursor, writer: Writer, project: Project, engine: LocalEngine, heard: Heard
) -> None:
    other = await Writer.begin(engine, project, "billing")
    await writer.log_many(2)
    await other.log_many(3)
    assert await room.fill() == 2
    assert (heard.seqs(writer.session_id), heard.seqs(other.session_id)) == ([1, 2], [1, 2, 3])


@pytest.mark.parametrize("erased", [False, True])
async def test_a_deletion_that_the_bus_lost_reaches_the_room(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard, erased: bool
) -> None:
    await room.hear(await writer.log())
    await writer.log()
    await delete(engine, writer.session)
    if erased:
        await engine.erasure.erase_records(writer.session_id, final=True)
    await room.fill()
    assert heard.names()[-1] == "session_deleted"
    assert heard.names().count("session_deleted") == 1
    assert await room.fill() == 0
    assert heard.names().count("session_deleted") == 1


@pytest.mark.parametrize("events_before", [0, 3])
async def test_a_deletion_that_the_bus_doubled_is_told_once(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard, events_before: int
) -> None:
    for event in await writer.log_many(events_before):
        await room.hear(event)
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    await room.hear(deleted)
    await room.hear(deleted)
    assert heard.seqs(writer.session_id) == numbers(1, events_before + 1)


async def test_a_deletion_that_comes_late_is_not_told_again_after_filling_told_it(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    await room.hear(await writer.log())
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    await room.fill()
    await room.hear(deleted)
    assert heard.names().count("session_deleted") == 1


async def test_nothing_of_a_session_is_told_after_its_deletion(
    room: RoomCursor, writer: Writer, engine: LocalEngine, heard: Heard
) -> None:
    events: list[Event] = [*await writer.log_many(3)]
    deleted = await delete(engine, writer.session)
    assert deleted is not None
    for event in (events[1], deleted, events[0], events[2]):
        await room.hear(event)
    assert heard.names()[-1] == "session_deleted"
    assert heard.names().count("session_deleted") == 1


async def test_an_event_that_could_not_be_sent_is_sent_with_the_next(writer: Writer, log: WatchedLog) -> None:
    heard, broken = Heard(), True

    def emit(event: Event) -> None:
        if broken:
            raise ConnectionError("Nobody can be reached")
        heard.take(event)

    room = RoomCursor(writer.session.project_id, log, emit)
    await room.fill()
    events = await writer.log_many(2)
    with pytest.raises(ConnectionError):
        await room.hear(events[0])
    broken = False
    await room.hear(events[1])
    assert heard.events == events


async def test_a_log_that_cannot_be_read_leaves_the_cursor_where_it_was(
    room: RoomCursor, writer: Writer, heard: Heard, log: WatchedLog
) -> None:
    events = await writer.log_many(4)
    log.fail(times=2)
    with pytest.raises(ConnectionError):
        await room.hear(events[2])
    with pytest.raises(ConnectionError):
        await room.fill()
    await room.hear(events[3])
    assert heard.events == events


async def test_hearing_and_filling_at_the_same_time_tell_each_event_once(
    room: RoomCursor, writer: Writer, heard: Heard
) -> None:
    events = await writer.log_many(30)
    hearing = [room.hear(event) for event in events[::-3]]
    await asyncio.gather(*hearing, *(room.fill() for _ in range(5)))
    assert heard.events == events
