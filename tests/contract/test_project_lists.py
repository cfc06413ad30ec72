"""What every ProjectStore owes where it lists."""

from dataclasses import fields

import pytest

from backend.app.domain.errors import InvalidCursorError
from backend.app.domain.page import Page
from backend.app.domain.projects.project import Project, ProjectChange, ProjectEntry, VersionEntry
from tests.contract.builders import MADE_UP_CURSORS, next_version, stored_project
from tests.contract.engines import TestedEngine
from tests.contract.raw_stores import RawStore
from tests.manual_time import ManualClock


def _entry_of(project: Project | None) -> ProjectEntry:
    return ProjectEntry(**{field.name: getattr(project, field.name) for field in fields(ProjectEntry)})


async def _page_through_projects(engine: TestedEngine, user_id: str, limit: int) -> list[Page[ProjectEntry]]:
    pages = [await engine.projects.list_projects(user_id, limit, None)]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(await engine.projects.list_projects(user_id, limit, cursor))
    return pages


async def _page_through_versions(engine: TestedEngine, project: Project, limit: int) -> list[Page[VersionEntry]]:
    pages = [await engine.projects.list_code_versions(project.project_id, limit, None)]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(await engine.projects.list_code_versions(project.project_id, limit, cursor))
    return pages


async def _project_with_versions(engine: TestedEngine, clock: ManualClock, count: int) -> Project:
    project = await stored_project(engine)
    for number in range(2, count + 1):
        clock.advance(1)
        change = ProjectChange(code=next_version(engine, project, number, engine.ids.new_id()))
        await engine.projects.update_project(project.project_id, change, clock.now())
    return project


async def test_a_user_without_projects_has_an_empty_list(engine: TestedEngine) -> None:
    await stored_project(engine, owner="bob")
    assert await engine.projects.list_projects("ann", 10, None) == Page(())


async def test_own_and_shared_projects_are_listed_newest_first(engine: TestedEngine, clock: ManualClock) -> None:
    own = await stored_project(engine, owner="ann", members=("bob",))
    clock.advance(1)
    await stored_project(engine, owner="bob", members=("cleo",))
    clock.advance(1)
    shared = await stored_project(engine, owner="bob", members=("cleo", "ann"))
    page = await engine.projects.list_projects("ann", 10, None)
    assert (page.items, page.next_cursor) == ((_entry_of(shared), _entry_of(own)), None)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
async def test_the_pages_of_projects_hold_each_once_in_order(
    engine: TestedEngine, clock: ManualClock, limit: int
) -> None:
    projects: list[Project] = []
    for _ in range(5):
        projects.insert(0, await stored_project(engine))
        await stored_project(engine, owner="bob")
        clock.advance(1)
    pages = await _page_through_projects(engine, "ann", limit)
    assert [project for page in pages for project in page.items] == [_entry_of(project) for project in projects]
    assert [len(page.items) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1].items


async def test_the_cursor_of_each_project_asks_for_what_follows_it(engine: TestedEngine, clock: ManualClock) -> None:
    for _ in range(4):
        await stored_project(engine)
        clock.advance(1)
    page = await engine.projects.list_projects("ann", 3, None)
    everything = await engine.projects.list_projects("ann", 10, None)
    assert len(page.cursors) == 3
    for count, cursor in enumerate(page.cursors, 1):
        assert page.next_cursor_after(count) == cursor
        assert (await engine.projects.list_projects("ann", 10, cursor)).items == everything.items[count:]


async def test_a_project_created_between_two_pages_does_not_shift_them(
    engine: TestedEngine, clock: ManualClock
) -> None:
    oldest = await stored_project(engine)
    clock.advance(1)
    await stored_project(engine)
    first = await engine.projects.list_projects("ann", 1, None)
    clock.advance(1)
    await stored_project(engine)
    second = await engine.projects.list_projects("ann", 1, first.next_cursor)
    assert second.items == (_entry_of(oldest),)


async def test_a_cursor_still_works_when_its_project_is_deleted(engine: TestedEngine, clock: ManualClock) -> None:
    oldest = await stored_project(engine)
    clock.advance(1)
    newest = await stored_project(engine)
    first = await engine.projects.list_projects("ann", 1, None)
    await engine.projects.delete_project(newest.project_id)
    assert (await engine.projects.list_projects("ann", 1, first.next_cursor)).items == (_entry_of(oldest),)


async def test_a_project_shows_in_a_list_as_it_is_now(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    change = ProjectChange(name="Storm", code=next_version(engine, project))
    updated = await engine.projects.update_project(project.project_id, change, engine.clock.now())
    assert (await engine.projects.list_projects("ann", 10, None)).items == (_entry_of(updated),)


async def test_a_list_of_projects_reads_no_code(engine: TestedEngine, raw: RawStore) -> None:
    projects = [await stored_project(engine) for _ in range(3)]
    for project in projects:
        raw.remove_code(project.project_id)
    found = (await engine.projects.list_projects("ann", 10, None)).items
    assert found == tuple(_entry_of(project) for project in reversed(projects))


async def test_who_joins_sees_the_project_and_who_leaves_does_not(engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob",))
    change = ProjectChange(members=("cleo",))
    updated = await engine.projects.update_project(project.project_id, change, engine.clock.now())
    assert (await engine.projects.list_projects("bob", 10, None)).items == ()
    assert (await engine.projects.list_projects("cleo", 10, None)).items == (_entry_of(updated),)


@pytest.mark.parametrize("cursor", MADE_UP_CURSORS)
async def test_a_made_up_cursor_of_projects_is_refused(engine: TestedEngine, cursor: str) -> None:
    await stored_project(engine)
    with pytest.raises(InvalidCursorError):
        await engine.projects.list_projects("ann", 10, cursor)


async def test_code_versions_are_listed_newest_first(engine: TestedEngine, clock: ManualClock) -> None:
    project = await stored_project(engine)
    clock.advance(10)
    code = next_version(engine, project, 2, engine.ids.new_id())
    await engine.projects.update_project(project.project_id, ProjectChange(code=code), clock.now())
    page = await engine.projects.list_code_versions(project.project_id, 10, None)
    assert page.next_cursor is None
    newest, first = page.items
    assert newest == VersionEntry(2, code.message_id, code.commit_message, code.created_at)
    assert (first.version, first.message_id, first.created_at) == (1, None, project.created_at)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_the_pages_of_code_versions_hold_each_once_in_order(
    engine: TestedEngine, clock: ManualClock, limit: int
) -> None:
    project = await _project_with_versions(engine, clock, 5)
    await _project_with_versions(engine, clock, 3)
    pages = await _page_through_versions(engine, project, limit)
    assert [entry.version for page in pages for entry in page.items] == [5, 4, 3, 2, 1]
    assert [len(page.items) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1].items


async def test_the_cursor_of_each_code_version_asks_for_what_follows_it(
    engine: TestedEngine, clock: ManualClock
) -> None:
    project = await _project_with_versions(engine, clock, 4)
    page = await engine.projects.list_code_versions(project.project_id, 4, None)
    assert len(page.cursors) == 4
    for count, cursor in enumerate(page.cursors, 1):
        following = await engine.projects.list_code_versions(project.project_id, 10, cursor)
        assert following.items == page.items[count:]


async def test_the_versions_of_no_project_are_an_empty_list(engine: TestedEngine) -> None:
    assert await engine.projects.list_code_versions(engine.ids.new_id(), 10, None) == Page(())


@pytest.mark.parametrize("cursor", MADE_UP_CURSORS)
async def test_a_made_up_cursor_of_code_versions_is_refused(engine: TestedEngine, cursor: str) -> None:
    project = await stored_project(engine)
    with pytest.raises(InvalidCursorError):
        await engine.projects.list_code_versions(project.project_id, 10, cursor)
