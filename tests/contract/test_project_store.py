"""What every ProjectStore owes; its lists are in test_project_lists."""

import asyncio
from dataclasses import replace

import pytest

from backend.app.domain.errors import StaleVersionError
from backend.app.domain.projects.project import CodeVersion, Project, ProjectChange
from tests.contract.builders import draft_project, next_version, stored_project, stored_session
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock


async def test_a_created_project_is_found_as_it_was_stored(engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob", "cleo"))
    assert await engine.projects.find_project(project.project_id) == project


async def test_the_code_of_a_new_project_is_version_1(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    version = await engine.projects.find_code_version(project.project_id, 1)
    assert version is not None
    assert (version.version, version.code, version.nodes) == (1, project.code, project.nodes)
    assert (version.message_id, version.created_at) == (None, project.created_at)


async def test_a_project_outlives_its_process(engine: TestedEngine, reopen: Reopen) -> None:
    project = await stored_project(engine, members=("bob",))
    assert await (await reopen()).projects.find_project(project.project_id) == project


async def test_another_process_sees_a_project_at_once(engine: TestedEngine, other_engine: TestedEngine) -> None:
    project = await stored_project(engine)
    assert await other_engine.projects.find_project(project.project_id) == project


async def test_an_unknown_project_is_none(engine: TestedEngine) -> None:
    await stored_project(engine)
    assert await engine.projects.find_project(engine.ids.new_id()) is None


async def test_an_unknown_code_version_is_none(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    assert await engine.projects.find_code_version(project.project_id, 2) is None
    assert await engine.projects.find_code_version(project.project_id, 0) is None
    assert await engine.projects.find_code_version(engine.ids.new_id(), 1) is None


async def test_a_rename_changes_the_name_and_the_time_only(engine: TestedEngine, clock: ManualClock) -> None:
    project = await stored_project(engine, members=("bob",))
    clock.advance(10)
    renamed = await engine.projects.update_project(project.project_id, ProjectChange(name="Storm"), clock.now())
    assert renamed == replace(project, name="Storm", updated_at=clock.now())
    assert await engine.projects.find_project(project.project_id) == renamed


async def test_new_members_replace_the_old_ones_in_their_order(engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob", "cleo"))
    change = ProjectChange(members=("zoe", "bob", "adam"))
    updated = await engine.projects.update_project(project.project_id, change, engine.clock.now())
    assert updated == replace(project, members=("zoe", "bob", "adam"))


async def test_a_member_leaves_whatever_else_changes(engine: TestedEngine, other_engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob", "cleo", "dora"))
    stores = [engine.projects, other_engine.projects, engine.projects]
    changes = [ProjectChange(leaving="bob"), ProjectChange(leaving="dora"), ProjectChange(name="Storm")]
    now = engine.clock.now()
    await asyncio.gather(
        *(store.update_project(project.project_id, change, now) for store, change in zip(stores, changes, strict=True))
    )
    expected = replace(project, name="Storm", members=("cleo",))
    assert await engine.projects.find_project(project.project_id) == expected
    for user, found in (("ann", 1), ("bob", 0), ("cleo", 1), ("dora", 0)):
        assert len((await engine.projects.list_projects(user, 10, None)).items) == found
    access = await engine.access.find_access(project.project_id)
    assert access is not None
    assert access.members == ("cleo",)


async def test_members_can_be_sent_away(engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob",))
    updated = await engine.projects.update_project(project.project_id, ProjectChange(members=()), engine.clock.now())
    assert updated == replace(project, members=())


async def test_new_code_becomes_the_current_version(engine: TestedEngine, clock: ManualClock) -> None:
    project = await stored_project(engine)
    clock.advance(10)
    code = next_version(engine, project, 2)
    updated = await engine.projects.update_project(project.project_id, ProjectChange(code=code), clock.now())
    assert updated == replace(project, code=code.code, nodes=code.nodes, version=2, updated_at=clock.now())
    assert await engine.projects.find_project(project.project_id) == updated


async def test_every_version_of_the_code_stays_readable(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    code = next_version(engine, project, 2, message_id=engine.ids.new_id())
    await engine.projects.update_project(project.project_id, ProjectChange(code=code), engine.clock.now())
    first = await engine.projects.find_code_version(project.project_id, 1)
    assert first is not None
    assert first.code == project.code
    assert await engine.projects.find_code_version(project.project_id, 2) == code


async def test_all_parts_of_one_change_come_together(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    code = next_version(engine, project, 2)
    change = ProjectChange(name="Storm", members=("bob",), code=code)
    updated = await engine.projects.update_project(project.project_id, change, engine.clock.now())
    expected = replace(project, name="Storm", members=("bob",), code=code.code, nodes=code.nodes, version=2)
    assert updated == expected


@pytest.mark.parametrize("number", [0, 1, 3])
async def test_code_that_does_not_follow_the_current_version_is_refused_and_nothing_changes(
    engine: TestedEngine, number: int
) -> None:
    project = await stored_project(engine, members=("bob",))
    change = ProjectChange(name="Storm", members=("zoe",), code=next_version(engine, project, number))
    with pytest.raises(StaleVersionError):
        await engine.projects.update_project(project.project_id, change, engine.clock.now())
    assert await engine.projects.find_project(project.project_id) == project
    versions = await engine.projects.list_code_versions(project.project_id, 10, None)
    assert [entry.version for entry in versions.items] == [1]
    assert (await engine.projects.list_projects("zoe", 10, None)).items == ()


async def test_one_of_eight_parallel_edits_of_one_version_wins(engine: TestedEngine) -> None:
    project = await stored_project(engine)

    async def edit(name: str) -> Project | None:
        code = replace(next_version(engine, project, 2), code=f"code = {name!r}\n")
        change = ProjectChange(name=name, code=code)
        return await engine.projects.update_project(project.project_id, change, engine.clock.now())

    outcomes = await asyncio.gather(*(edit(f"edit-{n}") for n in range(8)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Project)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, StaleVersionError) for outcome in outcomes) == 7
    assert await engine.projects.find_project(project.project_id) == winners[0]


async def test_an_update_of_no_project_is_none(engine: TestedEngine) -> None:
    change = ProjectChange(name="Storm")
    assert await engine.projects.update_project(engine.ids.new_id(), change, engine.clock.now()) is None


async def test_an_update_touches_no_other_project(engine: TestedEngine) -> None:
    project, other = await stored_project(engine), await stored_project(engine)
    change = ProjectChange(name="Storm", members=("bob",), code=next_version(engine, project))
    await engine.projects.update_project(project.project_id, change, engine.clock.now())
    assert await engine.projects.find_project(other.project_id) == other


async def test_a_deleted_project_does_not_exist_for_any_reader(engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob",))
    assert await engine.projects.delete_project(project.project_id) is True
    assert await engine.projects.find_project(project.project_id) is None
    assert await engine.access.find_access(project.project_id) is None
    assert await engine.projects.find_code_version(project.project_id, 1) is None
    assert (await engine.projects.list_code_versions(project.project_id, 10, None)).items == ()
    for user_id in ("ann", "bob"):
        assert (await engine.projects.list_projects(user_id, 10, None)).items == ()


async def test_a_deleted_project_cannot_be_updated(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    await engine.projects.delete_project(project.project_id)
    change = ProjectChange(name="Storm", members=("bob",), code=next_version(engine, project))
    assert await engine.projects.update_project(project.project_id, change, engine.clock.now()) is None
    assert await engine.projects.find_project(project.project_id) is None
    assert (await engine.projects.list_projects("bob", 10, None)).items == ()


async def test_deleting_a_project_again_is_safe_and_returns_that_it_was_deleted(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    await engine.projects.delete_project(project.project_id)
    assert await engine.projects.delete_project(project.project_id) is False
    assert await engine.projects.delete_project(engine.ids.new_id()) is False


async def test_deleting_a_project_leaves_the_others_and_their_sessions(engine: TestedEngine) -> None:
    project, other = await stored_project(engine), await stored_project(engine)
    session = await stored_session(engine, other)
    await engine.projects.delete_project(project.project_id)
    assert await engine.projects.find_project(other.project_id) == other
    assert await engine.sessions.find_session(session.session_id) == session


async def test_text_of_every_script_is_kept_as_it_is(engine: TestedEngine) -> None:
    text = "né ☂ 天気 \N{SNOWMAN}\U0001f327 'quotes' \"double\" \\ \t\r\n"
    project = replace(draft_project(engine, name=text), code=text)
    await engine.projects.create_project(project)
    assert await engine.projects.find_project(project.project_id) == project
    version = CodeVersion(project.project_id, 2, text, (), None, text, engine.clock.now())
    await engine.projects.update_project(project.project_id, ProjectChange(code=version), engine.clock.now())
    assert await engine.projects.find_code_version(project.project_id, 2) == version
