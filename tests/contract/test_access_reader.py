"""What every AccessReader owes."""

from backend.app.domain.projects.project import ProjectChange
from shared.access import AccessReader, ProjectAccess
from tests.contract.builders import stored_project
from tests.contract.engines import TestedEngine


def _reader(engine: TestedEngine) -> AccessReader:
    return engine.access


async def test_the_owner_and_the_members_of_a_project_are_found(engine: TestedEngine) -> None:
    project = await stored_project(engine, owner="ann", members=("cleo", "bob"))
    access = await _reader(engine).find_access(project.project_id)
    assert access == ProjectAccess(project.project_id, "ann", ("cleo", "bob"))


async def test_the_access_to_no_project_is_none(engine: TestedEngine) -> None:
    await stored_project(engine)
    assert await _reader(engine).find_access(engine.ids.new_id()) is None


async def test_the_access_to_a_deleted_project_is_none(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    await engine.projects.delete_project(project.project_id)
    assert await _reader(engine).find_access(project.project_id) is None


async def test_access_follows_the_members_at_once(engine: TestedEngine, other_engine: TestedEngine) -> None:
    project = await stored_project(engine, members=("bob",))
    change = ProjectChange(members=("cleo",))
    await engine.projects.update_project(project.project_id, change, engine.clock.now())
    access = await _reader(other_engine).find_access(project.project_id)
    assert access == ProjectAccess(project.project_id, "ann", ("cleo",))


async def test_projects_do_not_share_their_access(engine: TestedEngine) -> None:
    project = await stored_project(engine, owner="ann")
    await stored_project(engine, owner="bob", members=("cleo",))
    assert await _reader(engine).find_access(project.project_id) == ProjectAccess(project.project_id, "ann")
