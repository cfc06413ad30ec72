"""Rooms open and close with their subscribers, and survive failures around them."""

import asyncio

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms import room as room_module
from backend.relay.rooms import rooms as rooms_module
from tests.contract.builders import delete, stored_project
from tests.relay.live_relay import until
from tests.relay.room_fixtures import Reads, WatchedLog, Writer, numbers
from tests.relay.running_rooms import NEVER, OFTEN, running


async def test_events_are_emitted_to_the_room_of_their_project_only(
    engine: LocalEngine, log: WatchedLog, writer: Writer
) -> None:
    other = await Writer.begin(engine, await stored_project(engine, name="Other"))
    async with running(log, NEVER) as rooms:
        one, two = await rooms.subscribe(writer.session.project_id), await rooms.subscribe(other.session.project_id)
        rooms.source.deliver(await writer.log(), await other.log(), await writer.log())
        await one.until(lambda: len(one.events) == 2)
        await two.until(lambda: len(two.events) == 1)
    assert {event.project_id for event in one.events} == {writer.session.project_id}
    assert {event.project_id for event in two.events} == {other.session.project_id}


async def test_a_room_is_backfilled_regularly_without_events_from_the_bus(log: WatchedLog, writer: Writer) -> None:
    async with running(log, OFTEN) as rooms:
        recorder = await rooms.subscribe(writer.session.project_id)
        await writer.log_many(3)
        await recorder.until(lambda: len(recorder.events) == 3)
        assert recorder.seqs(writer.session_id) == [1, 2, 3]


async def test_a_deletion_that_the_bus_lost_is_found_by_the_regular_comparison(
    engine: LocalEngine, log: WatchedLog, writer: Writer
) -> None:
    async with running(log, OFTEN) as rooms:
        recorder = await rooms.subscribe(writer.session.project_id)
        await delete(engine, writer.session)
        await engine.erasure.erase_records(writer.session_id, final=True)
        await recorder.until(lambda: recorder.names() == ["session_deleted"])


async def test_an_inactive_room_is_not_compared_with_the_log_until_its_next_event(
    engine: LocalEngine, log: WatchedLog, project: Project, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms_module, "ACTIVE_SECONDS", 0.3)
    reads = Reads(log)
    busy = await stored_project(engine, name="Busy")
    async with running(log, OFTEN) as rooms:
        recorder = await rooms.subscribe(project.project_id)
        last_reads = -1
        while (count := reads.count(project.project_id)) != last_reads:
            last_reads = count
            await rooms.subscribe(busy.project_id)  # counts as activity, like an event
            await reads.wait_for_more(busy.project_id, 2)
        await writer.log()
        rooms.source.deliver(await writer.log())
        await recorder.until(lambda: recorder.seqs(writer.session_id) == [1, 2])
        await writer.log()
        await recorder.until(lambda: recorder.seqs(writer.session_id) == [1, 2, 3])


async def test_a_room_without_subscribers_is_closed(
    engine: LocalEngine, log: WatchedLog, project: Project, writer: Writer
) -> None:
    reads = Reads(log)
    kept = await stored_project(engine, name="Kept")
    async with running(log, OFTEN) as rooms:
        await rooms.subscribe(kept.project_id)
        tasks_before = len(asyncio.all_tasks())
        recorder = await rooms.subscribe(project.project_id, "sid-1")
        await rooms.subscribe(project.project_id, "sid-2")
        await rooms.rooms.unsubscribe(project.project_id, "sid-1")
        await reads.wait_for_more(project.project_id, 2)
        await rooms.rooms.unsubscribe(project.project_id, "sid-2")
        await rooms.rooms.unsubscribe(project.project_id, "sid-2")
        await until(lambda: len(asyncio.all_tasks()) == tasks_before)  # a read may be running
        count = reads.count(project.project_id)
        rooms.source.deliver(await writer.log(), await writer.log())
        await reads.wait_for_more(kept.project_id, 5)
        assert reads.count(project.project_id) <= count + 1  # one read may have been running
    assert recorder.events == []


async def test_a_room_that_is_opened_again_starts_at_the_end_of_the_log(
    log: WatchedLog, project: Project, writer: Writer
) -> None:
    async with running(log, NEVER) as rooms:
        await rooms.subscribe(project.project_id)
        await rooms.rooms.unsubscribe(project.project_id, "sid-1")
        await writer.log_many(2)
        recorder = await rooms.subscribe(project.project_id)
        rooms.source.deliver(await writer.log())
        await recorder.until(lambda: bool(recorder.events))
        assert recorder.seqs(writer.session_id) == [3]


async def test_a_failed_subscription_leaves_no_room(log: WatchedLog, project: Project, writer: Writer) -> None:
    async with running(log, NEVER) as rooms:
        tasks_before = len(asyncio.all_tasks())
        log.fail(times=1)
        with pytest.raises(ConnectionError):
            await rooms.subscribe(project.project_id)
        await until(lambda: len(asyncio.all_tasks()) == tasks_before)  # a read may be running
        recorder = await rooms.subscribe(project.project_id)
        rooms.source.deliver(await writer.log())
        await recorder.until(lambda: recorder.seqs(writer.session_id) == [1])


async def test_a_room_survives_an_exception_of_the_log(
    log: WatchedLog, project: Project, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(log, NEVER) as rooms:
        recorder = await rooms.subscribe(project.project_id)
        events = await writer.log_many(4)
        log.fail(times=2)
        rooms.source.deliver(events[1], events[2], events[3])
        await recorder.until(lambda: recorder.seqs(writer.session_id) == [1, 2, 3, 4])
    assert caplog.text.count("was not emitted") == 2


async def test_the_regular_comparison_survives_failed_reads_of_the_log(
    log: WatchedLog, project: Project, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(log, OFTEN) as rooms:
        recorder = await rooms.subscribe(project.project_id)
        log.fail(times=3)
        await writer.log_many(2)
        await recorder.until(lambda: recorder.seqs(writer.session_id) == [1, 2])
    assert caplog.text.count("was not compared with the log") == 3


async def test_events_that_overflow_a_rooms_queue_are_backfilled_from_the_log(
    log: WatchedLog, project: Project, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "_MAX_WAITING_EVENTS", 10)
    async with running(log, OFTEN) as rooms:
        recorder = await rooms.subscribe(project.project_id)
        rooms.source.deliver(*(await writer.log_many(60))[1:])  # the first one is missing, so all others wait
        await recorder.until(lambda: len(recorder.events) >= 60)
        assert recorder.seqs(writer.session_id) == numbers(1, 60)


@pytest.mark.parametrize("is_closed", [False, True])
async def test_closed_rooms_leave_no_task(log: WatchedLog, project: Project, is_closed: bool) -> None:
    tasks_before = asyncio.all_tasks()
    async with running(log, OFTEN) as rooms:
        await rooms.subscribe(project.project_id)
        if is_closed:
            await rooms.rooms.unsubscribe(project.project_id, "sid-1")
        await rooms.rooms.close()
    assert asyncio.all_tasks() == tasks_before
