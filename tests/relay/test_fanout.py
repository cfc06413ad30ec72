"""Rooms come and go with their listeners, and live through what goes wrong around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms import rooms as fanout_module
from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.rooms import Fanout
from backend.relay.settings import RelaySettings
from shared.bus_messages import AccessChangedEvent
from shared.events import Event
from tests.contract.builders import delete, stored_project
from tests.relay.live_relay import until
from tests.relay.rooms import WAIT_SECONDS, Heard, Reads, Source, WatchedLog, Writer, numbers

NEVER = RelaySettings(fill_seconds=3_600, access_seconds=3_600)
OFTEN = RelaySettings(fill_seconds=0.01, access_seconds=3_600)


class Hall:
    """A running Fanout: everything it sends, by project, and how to come and go."""

    def __init__(self, log: WatchedLog, settings: RelaySettings) -> None:
        self.source = Source()
        self.fanout = Fanout(log, EventCache(1_000_000, 60), self._emit, self._check_access, settings)
        self.rooms: dict[str, Heard] = {}
        self.checked: asyncio.Queue[tuple[str, set[str]]] = asyncio.Queue()
        self.may_check = asyncio.Event()
        self.may_check.set()

    def heard(self, project_id: str) -> Heard:
        return self.rooms.setdefault(project_id, Heard())

    async def enter(self, project_id: str, sid: str = "sid-1") -> Heard:
        async def join() -> None:
            pass

        await self.fanout.enter(project_id, sid, {}, self.heard(project_id).hear, join)
        return self.heard(project_id)

    def _emit(self, project_id: str, event: Event) -> None:
        self.heard(project_id).take(event)

    async def _check_access(self, project_id: str, sids: frozenset[str]) -> None:
        self.checked.put_nowait((project_id, set(sids)))
        await self.may_check.wait()


@asynccontextmanager
async def running(log: WatchedLog, settings: RelaySettings) -> AsyncIterator[Hall]:
    hall = Hall(log, settings)
    task = asyncio.create_task(hall.fanout.run(hall.source))
    try:
        await hall.source.asked.wait()
        yield hall
    finally:
        task.cancel()
        await asyncio.wait({task})
        await hall.fanout.close()


async def test_events_go_to_the_room_of_their_project_and_no_other(
    engine: LocalEngine, log: WatchedLog, writer: Writer
) -> None:
    other = await Writer.begin(engine, await stored_project(engine, name="Other"))
    async with running(log, NEVER) as hall:
        one, two = await hall.enter(writer.session.project_id), await hall.enter(other.session.project_id)
        hall.source.bring(await writer.log(), await other.log(), await writer.log())
        await one.until(lambda: len(one.events) == 2)
        await two.until(lambda: len(two.events) == 1)
    assert {event.project_id for event in one.events} == {writer.session.project_id}
    assert {event.project_id for event in two.events} == {other.session.project_id}


async def test_a_room_is_filled_regularly_though_the_bus_brings_nothing(log: WatchedLog, writer: Writer) -> None:
    async with running(log, OFTEN) as hall:
        heard = await hall.enter(writer.session.project_id)
        await writer.log_many(3)
        await heard.until(lambda: len(heard.events) == 3)
        assert heard.seqs(writer.session_id) == [1, 2, 3]


async def test_a_deletion_that_the_bus_lost_is_found_by_the_regular_filling(
    engine: LocalEngine, log: WatchedLog, writer: Writer
) -> None:
    async with running(log, OFTEN) as hall:
        heard = await hall.enter(writer.session.project_id)
        await delete(engine, writer.session)
        await engine.erasure.erase_records(writer.session_id, final=True)
        await heard.until(lambda: heard.names() == ["session_deleted"])


async def test_a_room_that_was_silent_for_long_is_not_compared_until_it_is_heard_of(
    engine: LocalEngine, log: WatchedLog, project: Project, writer: Writer
) -> None:
    reads = Reads(log)
    busy = await stored_project(engine, name="Busy")
    async with running(log, RelaySettings(fill_seconds=0.01, active_seconds=0.3, access_seconds=3_600)) as hall:
        heard = await hall.enter(project.project_id)
        last_looks = -1
        while (looks := reads.count(project.project_id)) != last_looks:
            last_looks = looks
            await hall.enter(busy.project_id)  # as good as an event
            await reads.wait_for_more(busy.project_id, 2)
        await writer.log()
        hall.source.bring(await writer.log())
        await heard.until(lambda: heard.seqs(writer.session_id) == [1, 2])
        await writer.log()
        await heard.until(lambda: heard.seqs(writer.session_id) == [1, 2, 3])


async def test_a_room_that_nobody_hears_is_forgotten(
    engine: LocalEngine, log: WatchedLog, project: Project, writer: Writer
) -> None:
    reads = Reads(log)
    kept = await stored_project(engine, name="Kept")
    async with running(log, OFTEN) as hall:
        await hall.enter(kept.project_id)
        tasks_before = len(asyncio.all_tasks())
        heard = await hall.enter(project.project_id, "sid-1")
        await hall.enter(project.project_id, "sid-2")
        await hall.fanout.leave(project.project_id, "sid-1")
        await reads.wait_for_more(project.project_id, 2)
        await hall.fanout.leave(project.project_id, "sid-2")
        await hall.fanout.leave(project.project_id, "sid-2")
        await until(lambda: len(asyncio.all_tasks()) == tasks_before)  # a read may be under way
        looks = reads.count(project.project_id)
        hall.source.bring(await writer.log(), await writer.log())
        await reads.wait_for_more(kept.project_id, 5)
        assert reads.count(project.project_id) <= looks + 1  # one look may have been under way
    assert heard.events == []


async def test_a_forgotten_room_is_opened_afresh_where_the_log_now_is(
    log: WatchedLog, project: Project, writer: Writer
) -> None:
    async with running(log, NEVER) as hall:
        await hall.enter(project.project_id)
        await hall.fanout.leave(project.project_id, "sid-1")
        await writer.log_many(2)
        heard = await hall.enter(project.project_id)
        hall.source.bring(await writer.log())
        await heard.until(lambda: bool(heard.events))
        assert heard.seqs(writer.session_id) == [3]


async def test_a_client_that_could_not_be_let_in_leaves_no_room_behind(
    log: WatchedLog, project: Project, writer: Writer
) -> None:
    async with running(log, NEVER) as hall:
        tasks_before = len(asyncio.all_tasks())
        log.fail(times=1)
        with pytest.raises(ConnectionError):
            await hall.enter(project.project_id)
        await until(lambda: len(asyncio.all_tasks()) == tasks_before)  # a read may be under way
        heard = await hall.enter(project.project_id)
        hall.source.bring(await writer.log())
        await heard.until(lambda: heard.seqs(writer.session_id) == [1])


async def test_an_exception_of_the_log_does_not_kill_the_room(
    log: WatchedLog, project: Project, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(log, NEVER) as hall:
        heard = await hall.enter(project.project_id)
        events = await writer.log_many(4)
        log.fail(times=2)
        hall.source.bring(events[1], events[2], events[3])
        await heard.until(lambda: heard.seqs(writer.session_id) == [1, 2, 3, 4])
    assert caplog.text.count("was not passed on") == 2


async def test_a_log_that_cannot_be_read_for_a_while_does_not_end_the_regular_filling(
    log: WatchedLog, project: Project, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(log, OFTEN) as hall:
        heard = await hall.enter(project.project_id)
        log.fail(times=3)
        await writer.log_many(2)
        await heard.until(lambda: heard.seqs(writer.session_id) == [1, 2])
    assert caplog.text.count("was not compared with the log") == 3


async def test_what_does_not_fit_into_a_rooms_queue_is_mended_from_the_log(
    log: WatchedLog, project: Project, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout_module, "_MAX_WAITING_EVENTS", 10)
    async with running(log, OFTEN) as hall:
        heard = await hall.enter(project.project_id)
        hall.source.bring(*(await writer.log_many(60))[1:])  # for the first, which is missing, all others wait
        await heard.until(lambda: len(heard.events) >= 60)
        assert heard.seqs(writer.session_id) == numbers(1, 60)


async def test_those_who_hear_a_project_are_checked_as_soon_as_its_members_change(
    engine: LocalEngine, log: WatchedLog, project: Project
) -> None:
    other = await stored_project(engine, name="Nobody hears it")
    async with running(log, NEVER) as hall, asyncio.timeout(WAIT_SECONDS):
        await hall.enter(project.project_id, "sid-1")
        heard = await hall.enter(project.project_id, "sid-2")
        now, new_id = engine.clock.now(), engine.ids.new_id
        for changed in (other, project):
            hall.source.bring(
                AccessChangedEvent(event_id=new_id(), project_id=changed.project_id, created_at=now),
            )
        assert await hall.checked.get() == (project.project_id, {"sid-1", "sid-2"})
    assert heard.events == []


async def test_what_follows_a_change_of_members_is_told_after_they_were_checked(
    engine: LocalEngine, log: WatchedLog, project: Project, writer: Writer
) -> None:
    async with running(log, NEVER) as hall, asyncio.timeout(WAIT_SECONDS):
        heard = await hall.enter(project.project_id)
        hall.may_check.clear()
        before, *after = await writer.log_many(3)
        changed = AccessChangedEvent(
            event_id=engine.ids.new_id(), project_id=project.project_id, created_at=engine.clock.now()
        )
        hall.source.bring(before, changed)
        await hall.checked.get()
        hall.source.bring(*after)
        await hall.source.asked_again()
        assert heard.events == [before]
        hall.may_check.set()
        await heard.until(lambda: heard.events == [before, *after])


async def test_those_who_hear_a_project_are_checked_regularly(log: WatchedLog, project: Project) -> None:
    async with running(log, RelaySettings(access_seconds=0.01)) as hall, asyncio.timeout(WAIT_SECONDS):
        await hall.enter(project.project_id, "sid-1")
        for _ in range(3):
            assert await hall.checked.get() == (project.project_id, {"sid-1"})


@pytest.mark.parametrize("leave", [False, True])
async def test_a_fanout_that_is_closed_leaves_no_task_behind(log: WatchedLog, project: Project, leave: bool) -> None:
    tasks_before = asyncio.all_tasks()
    async with running(log, OFTEN) as hall:
        await hall.enter(project.project_id)
        if leave:
            await hall.fanout.leave(project.project_id, "sid-1")
        await hall.fanout.close()
    assert asyncio.all_tasks() == tasks_before
