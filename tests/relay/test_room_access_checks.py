"""Access is checked regularly, and in the order of events when the members of a project change."""

import asyncio

import pytest

from backend.app.domain.projects.project import Project
from backend.app.wiring_local import LocalEngine
from backend.relay.rooms import rooms as rooms_module
from shared.bus_messages import AccessChangedEvent
from tests.contract.builders import stored_project
from tests.relay.room_fixtures import WAIT_SECONDS, WatchedLog, Writer
from tests.relay.running_rooms import NEVER, running


async def test_subscribers_are_checked_when_the_members_of_their_project_change(
    engine: LocalEngine, log: WatchedLog, project: Project
) -> None:
    other = await stored_project(engine, name="Without subscribers")
    async with running(log, NEVER) as rooms, asyncio.timeout(WAIT_SECONDS):
        await rooms.subscribe(project.project_id, "sid-1")
        recorder = await rooms.subscribe(project.project_id, "sid-2")
        now, new_id = engine.clock.now(), engine.ids.new_id
        for changed in (other, project):
            rooms.source.deliver(
                AccessChangedEvent(event_id=new_id(), project_id=changed.project_id, created_at=now),
            )
        assert await rooms.checked.get() == (project.project_id, {"sid-1", "sid-2"})
    assert recorder.events == []


async def test_events_after_a_change_of_members_are_emitted_after_the_check(
    engine: LocalEngine, log: WatchedLog, project: Project, writer: Writer
) -> None:
    async with running(log, NEVER) as rooms, asyncio.timeout(WAIT_SECONDS):
        recorder = await rooms.subscribe(project.project_id)
        rooms.may_check.clear()
        before, *after = await writer.log_many(3)
        changed = AccessChangedEvent(
            event_id=engine.ids.new_id(), project_id=project.project_id, created_at=engine.clock.now()
        )
        rooms.source.deliver(before, changed)
        await rooms.checked.get()
        rooms.source.deliver(*after)
        await rooms.source.asked_again()
        assert recorder.events == [before]
        rooms.may_check.set()
        await recorder.until(lambda: recorder.events == [before, *after])


async def test_subscribers_are_checked_regularly(
    log: WatchedLog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms_module, "ACCESS_CHECK_SECONDS", 0.01)
    async with running(log, NEVER) as rooms, asyncio.timeout(WAIT_SECONDS):
        await rooms.subscribe(project.project_id, "sid-1")
        for _ in range(3):
            assert await rooms.checked.get() == (project.project_id, {"sid-1"})
