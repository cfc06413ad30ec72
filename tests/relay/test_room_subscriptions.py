"""A new subscriber gets the events that it missed and then those of the room: no gap and no duplicate."""

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms.room_cursor import RoomCursor
from shared.events import Event
from tests.contract.builders import delete, stored_project
from tests.relay.room_fixtures import Reads, Recorder, WatchedLog, Writer, numbers

WEEK = 7 * 24 * 60 * 60


async def test_a_new_subscriber_gets_the_history_and_then_the_following_events(
    room: RoomCursor, writer: Writer, subscriber: Recorder
) -> None:
    for event in await writer.log_many(3):
        await room.handle(event)
    result = await room.subscribe(subscriber, {writer.session_id: 0})
    assert subscriber.seqs(writer.session_id) == [1, 2, 3]
    assert result.last_seq == {writer.session_id: 3}
    assert (result.truncated, result.deleted) == ([], [])
    await room.handle(await writer.log())
    assert subscriber.seqs(writer.session_id) == [1, 2, 3, 4]


async def test_a_subscriber_gets_only_the_events_after_its_last_one(
    room: RoomCursor, writer: Writer, subscriber: Recorder
) -> None:
    await writer.log_many(5)
    await room.subscribe(subscriber, {writer.session_id: 3})
    await room.handle(await writer.log())
    assert subscriber.seqs(writer.session_id) == [4, 5, 6]


async def test_a_subscriber_without_after_gets_the_events_after_last_seq(
    room: RoomCursor, writer: Writer, subscriber: Recorder
) -> None:
    for event in await writer.log_many(2):
        await room.handle(event)
    result = await room.subscribe(subscriber, {})
    assert result.last_seq == {writer.session_id: 2}
    assert subscriber.events == []
    await room.handle(await writer.log())
    assert subscriber.seqs(writer.session_id) == [3]


async def test_events_that_are_still_on_the_bus_reach_a_new_subscriber_once(
    room: RoomCursor, writer: Writer, member: Recorder, subscriber: Recorder
) -> None:
    carried = await writer.log_many(4)
    await room.subscribe(subscriber, {writer.session_id: 1})
    # The subscription backfilled the room for all its members.
    assert member.seqs(writer.session_id) == [1, 2, 3, 4]
    for event in carried:
        await room.handle(event)
    assert subscriber.seqs(writer.session_id) == [2, 3, 4]
    assert member.seqs(writer.session_id) == [1, 2, 3, 4]


async def test_a_history_of_several_pages_is_replayed_in_order(
    room: RoomCursor, writer: Writer, subscriber: Recorder
) -> None:
    await writer.log_many(450)
    await room.subscribe(subscriber, {writer.session_id: 0})
    assert subscriber.seqs(writer.session_id) == numbers(1, 450)


@pytest.mark.parametrize("read", range(1, 6))
async def test_an_event_that_is_logged_during_a_subscription_is_sent_once(
    room: RoomCursor, writer: Writer, log: WatchedLog, member: Recorder, subscriber: Recorder, read: int
) -> None:
    published: list[Event] = [*await writer.log_many(2)]
    reads = 0

    async def on_read(_: str) -> None:
        nonlocal reads
        reads += 1
        if reads == read:
            published.append(await writer.log())

    log.on_read = on_read
    await room.subscribe(subscriber, {writer.session_id: 0})
    log.on_read = None
    for event in [*published, await writer.log()]:
        await room.handle(event)
    expected = numbers(1, 4 if len(published) == 3 else 3)
    assert member.seqs(writer.session_id) == expected
    assert subscriber.seqs(writer.session_id) == expected


async def test_each_session_is_replayed_from_its_own_number(
    room: RoomCursor, writer: Writer, project: Project, engine: LocalEngine, subscriber: Recorder
) -> None:
    other, third = [await Writer.begin(engine, project, name) for name in ("billing", "triage")]
    for each in (writer, other, third):
        await each.log_many(3)
    after = {writer.session_id: 0, other.session_id: 2}
    result = await room.subscribe(subscriber, after)
    assert subscriber.seqs(writer.session_id) == [1, 2, 3]
    assert subscriber.seqs(other.session_id) == [3]
    assert subscriber.seqs(third.session_id) == []
    assert result.last_seq[writer.session_id] == result.last_seq[other.session_id] == 3


async def test_unknown_sessions_and_those_of_other_projects_are_truncated(
    room: RoomCursor, engine: LocalEngine, subscriber: Recorder
) -> None:
    foreign = await Writer.begin(engine, await stored_project(engine, name="Foreign"))
    await foreign.log_many(2)
    after = {"unknown": 0, foreign.session_id: 0}
    result = await room.subscribe(subscriber, after)
    assert result.truncated == ["unknown", foreign.session_id]
    assert (result.deleted, result.last_seq, subscriber.events) == ([], {}, [])


async def test_many_unknown_sessions_cost_few_reads_and_known_ones_are_replayed(
    room: RoomCursor, writer: Writer, log: WatchedLog, subscriber: Recorder
) -> None:
    await writer.log_many(3)
    reads = Reads(log)
    unknown = [f"unknown-{number}" for number in range(199)]
    after = {**dict.fromkeys(unknown, 0), writer.session_id: 1}
    result = await room.subscribe(subscriber, after)
    assert sorted(result.truncated) == sorted(unknown)
    assert (subscriber.seqs(writer.session_id), result.last_seq) == ([2, 3], {writer.session_id: 3})
    assert reads.count(writer.session.project_id) < 30


@pytest.mark.parametrize("erased", [False, True])
async def test_a_deleted_session_is_reported_and_not_replayed(
    room: RoomCursor, writer: Writer, engine: LocalEngine, subscriber: Recorder, erased: bool
) -> None:
    await writer.log_many(3)
    await delete(engine, writer.session)
    if erased:
        await engine.erasure.erase_records(writer.session_id, final=True)
    result = await room.subscribe(subscriber, {writer.session_id: 1})
    assert (result.deleted, result.truncated) == ([writer.session_id], [])
    assert subscriber.seqs(writer.session_id) == []
    assert writer.session_id not in result.last_seq


async def test_a_session_that_is_deleted_during_a_subscription_is_reported(
    room: RoomCursor, writer: Writer, engine: LocalEngine, log: WatchedLog, subscriber: Recorder
) -> None:
    await writer.log_many(3)
    reads = 0

    async def on_read(_: str) -> None:
        nonlocal reads
        reads += 1
        if reads == 2:
            await delete(engine, writer.session)

    log.on_read = on_read
    result = await room.subscribe(subscriber, {writer.session_id: 0})
    assert result.deleted == [writer.session_id]
    assert writer.session_id not in result.last_seq


async def test_a_number_above_the_last_one_is_truncated_and_later_events_are_sent(
    room: RoomCursor, writer: Writer, subscriber: Recorder
) -> None:
    await writer.log_many(2)
    result = await room.subscribe(subscriber, {writer.session_id: 9})
    assert (result.truncated, result.deleted) == ([writer.session_id], [])
    assert result.last_seq == {writer.session_id: 2}
    assert subscriber.events == []
    await room.handle(await writer.log())
    assert subscriber.seqs(writer.session_id) == [3]


@pytest.mark.parametrize("left", [0, 2])
async def test_an_expired_history_is_truncated_and_the_rest_is_replayed(
    room: RoomCursor, writer: Writer, engine: LocalEngine, subscriber: Recorder, left: int
) -> None:
    await writer.log_many(3)
    engine.clock.advance(WEEK)  # type: ignore[attr-defined]
    await writer.log_many(left)
    result = await room.subscribe(subscriber, {writer.session_id: 1})
    assert result.truncated == [writer.session_id]
    await room.handle(await writer.log())
    assert subscriber.seqs(writer.session_id) == numbers(4, 4 + left)


async def test_a_subscriber_that_has_all_expired_events_is_not_truncated(
    room: RoomCursor, writer: Writer, engine: LocalEngine, subscriber: Recorder
) -> None:
    await writer.log_many(3)
    engine.clock.advance(WEEK)  # type: ignore[attr-defined]
    await writer.log_many(1)
    result = await room.subscribe(subscriber, {writer.session_id: 3})
    assert result.truncated == []
    assert subscriber.seqs(writer.session_id) == [4]
