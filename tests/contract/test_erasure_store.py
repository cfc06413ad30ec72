"""What every ErasureStore owes."""

from dataclasses import replace
from datetime import timedelta

from backend.app.domain.page import Page
from backend.app.domain.projects.project import ProjectChange
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.domain.sessions.ports import ErasureStore
from tests.contract.builders import (
    claim,
    claimed_turn,
    complete,
    delete,
    everything_of,
    next_version,
    queued_message,
    record_response,
    session_with_messages,
    stored_project,
    stored_session,
)
from tests.contract.conftest import Reopen
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import iteration_event
from tests.contract.raw_stores import RawStore
from tests.manual_time import ManualClock


def _store(engine: TestedEngine) -> ErasureStore:
    return engine.erasure


async def _ids_to_erase(engine: TestedEngine, limit: int = 100) -> list[str]:
    now = engine.clock.now()
    return [one.session.session_id for one in (await _store(engine).list_sessions_to_erase(now, limit)).items]


async def _keys_to_erase(engine: TestedEngine) -> list[str]:
    page = await _store(engine).list_sessions_to_erase(engine.clock.now(), 100)
    return [one.session.openai_session_key for one in page.items]


async def test_live_sessions_are_not_to_be_erased(engine: TestedEngine) -> None:
    await session_with_messages(engine)
    assert await _ids_to_erase(engine) == []


async def test_a_deleted_session_is_to_be_erased(engine: TestedEngine) -> None:
    session, _ = await session_with_messages(engine)
    await delete(engine, session)
    (tombstone,) = (await _store(engine).list_sessions_to_erase(engine.clock.now(), 10)).items
    listed = tombstone.session
    assert (listed.session_id, listed.project_id, listed.node_id) == (session.session_id, session.project_id, None)


async def test_a_listed_session_names_its_memory(engine: TestedEngine) -> None:
    session = await stored_session(engine, node_id="triage")
    await delete(engine, session)
    (tombstone,) = (await _store(engine).list_sessions_to_erase(engine.clock.now(), 10)).items
    listed = tombstone.session
    expected = MemoryRef(session.session_id, f"project_{session.project_id}_node_triage")
    assert MemoryRef(listed.session_id, listed.openai_session_key) == expected


async def test_the_pages_of_what_is_to_be_erased_hold_each_once(engine: TestedEngine) -> None:
    sessions = [await stored_session(engine) for _ in range(5)]
    for session in reversed(sessions):
        await delete(engine, session)
    found: list[str] = []
    cursor: str | None = None
    while len(found) < 5:
        page = await _store(engine).list_sessions_to_erase(engine.clock.now(), 2, cursor)
        assert 0 < len(page.items) <= 2
        found += [one.session.session_id for one in page.items]
        cursor = page.next_cursor
    assert (sorted(found), cursor) == (sorted(one.session_id for one in sessions), None)


async def test_a_session_is_listed_until_it_is_erased(engine: TestedEngine, clock: ManualClock, reopen: Reopen) -> None:
    first, second = await stored_session(engine), await stored_session(engine)
    await delete(engine, first)
    clock.advance(1)
    await delete(engine, second)
    engine = await reopen()
    assert await _ids_to_erase(engine) == [first.session_id, second.session_id]
    await _store(engine).erase_records(first.session_id, final=True)
    assert await _ids_to_erase(engine) == [second.session_id]
    await _store(engine).erase_records(second.session_id, final=True)
    assert await _ids_to_erase(engine) == []


async def test_nothing_is_left_of_an_erased_session_but_its_tombstone(engine: TestedEngine) -> None:
    session, message_ids = await session_with_messages(engine)
    end = await delete(engine, session)
    await _store(engine).erase_records(session.session_id, final=True)
    for message_id in message_ids:
        assert await engine.messages.find_message(message_id) is None
        assert list(await engine.messages.list_responses(message_id)) == []
    assert await engine.messages.list_messages(session.session_id, 10, None, ascending=True) == Page(())
    assert list(await engine.turns.list_completed_turns(session.session_id, 0, 10)) == []
    page = await engine.events.read_events(session.project_id, session.session_id, 0)
    assert page is not None
    assert end is not None
    assert (page.events, page.last_seq, page.deleted) == ((end,), end.seq, True)


async def test_nothing_that_a_person_wrote_is_left_of_an_erased_session(engine: TestedEngine, raw: RawStore) -> None:
    session = await stored_session(engine, node_id="quartz_agent")
    queued = await queued_message(engine, session, "Ask for opal")
    turn = await claim(engine, queued.message_id)
    await engine.turns.append_event(turn, iteration_event(engine, turn, "A draft of beryl"))
    await complete(engine, turn, items=[{"role": "user", "content": "Ask for topaz"}])
    words = ("quartz", "opal", "beryl", "topaz")
    assert all(word in raw.text() for word in words)
    await delete(engine, session)
    await _store(engine).erase_records(session.session_id, final=False)
    assert "quartz_agent" in (await _keys_to_erase(engine))[0]
    await _store(engine).erase_records(session.session_id, final=True)
    assert [word for word in words if word in raw.text()] == []
    assert session.session_id in raw.text()
    page = await engine.events.read_events(session.project_id, session.session_id, 0)
    assert page is not None
    assert page.deleted


async def test_nothing_that_a_person_wrote_is_left_of_a_deleted_project(engine: TestedEngine, raw: RawStore) -> None:
    project = await stored_project(engine, name="Quartz", owner="opal", members=("beryl",))
    change = ProjectChange(code=replace(next_version(engine, project), commit_message="Add topaz", code="agate = 1"))
    await engine.projects.update_project(project.project_id, change, engine.clock.now())
    session = await stored_session(engine, project, node_id="onyx")
    words = ("Quartz", "opal", "beryl", "topaz", "agate", "onyx")
    assert all(word in raw.text() for word in words)
    await engine.projects.delete_project(project.project_id)
    await delete(engine, session)
    await _store(engine).erase_records(session.session_id, final=True)
    await _store(engine).erase_deleted_projects()
    assert [word for word in words if word in raw.text()] == []


async def test_erasing_again_is_safe(engine: TestedEngine) -> None:
    session, _ = await session_with_messages(engine)
    await delete(engine, session)
    await _store(engine).erase_records(session.session_id, final=True)
    before = await everything_of(engine, session)
    await _store(engine).erase_records(session.session_id, final=True)
    assert await everything_of(engine, session) == before
    assert await _ids_to_erase(engine) == []


async def test_an_erased_session_cannot_be_deleted_again(engine: TestedEngine) -> None:
    session, _ = await session_with_messages(engine)
    await delete(engine, session)
    await _store(engine).erase_records(session.session_id, final=True)
    assert await delete(engine, session) is None
    assert await _ids_to_erase(engine) == []


async def test_erasing_no_session_is_safe(engine: TestedEngine) -> None:
    session, _ = await session_with_messages(engine)
    before = await everything_of(engine, session)
    await _store(engine).erase_records(engine.ids.new_id(), final=True)
    assert await everything_of(engine, session) == before


async def test_erasing_a_session_leaves_the_others_and_the_keys_next_one(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    session = await stored_session(engine, project)
    await complete(engine, await claimed_turn(engine, session))
    await delete(engine, session)
    successor = await stored_session(engine, project)
    turn = await claimed_turn(engine, successor)
    await record_response(engine, turn)
    await complete(engine, turn)
    other, _ = await session_with_messages(engine)
    before = await everything_of(engine, successor), await everything_of(engine, other)
    await _store(engine).erase_records(session.session_id, final=True)
    assert (await everything_of(engine, successor), await everything_of(engine, other)) == before


async def test_what_was_erased_too_early_is_to_be_erased_once_more(engine: TestedEngine, clock: ManualClock) -> None:
    session, _ = await session_with_messages(engine)
    await delete(engine, session)
    deleted_at = clock.now()
    store = _store(engine)
    await store.erase_records(session.session_id, final=False)
    clock.advance(60)
    assert (await store.list_sessions_to_erase(deleted_at - timedelta(seconds=1), 10)).items == ()
    (tombstone,) = (await store.list_sessions_to_erase(deleted_at, 10)).items
    assert (tombstone.session.session_id, tombstone.deleted_at) == (session.session_id, deleted_at)
    await store.erase_records(session.session_id, final=True)
    assert (await store.list_sessions_to_erase(clock.now(), 10)).items == ()
