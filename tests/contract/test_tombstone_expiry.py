"""When an ErasureStore drops the tombstones of erased sessions."""

from datetime import timedelta

from tests.contract.builders import delete, session_with_messages
from tests.contract.engines import TestedEngine
from tests.manual_time import ManualClock


async def test_a_tombstone_expires(engine: TestedEngine, clock: ManualClock) -> None:
    session, _ = await session_with_messages(engine)
    await delete(engine, session)
    store = engine.erasure
    await store.erase_records(session.session_id, final=True)
    await store.remove_tombstones(clock.now() - timedelta(seconds=1))
    page = await engine.events.read_events(session.project_id, session.session_id, 0)
    assert page is not None
    assert page.deleted
    await store.remove_tombstones(clock.now())
    assert await engine.events.read_events(session.project_id, session.session_id, 0) is None


async def test_what_is_not_erased_yet_keeps_its_tombstone(engine: TestedEngine, clock: ManualClock) -> None:
    session, _ = await session_with_messages(engine)
    await delete(engine, session)
    await engine.erasure.remove_tombstones(clock.now())
    (tombstone,) = (await engine.erasure.list_sessions_to_erase(engine.clock.now(), 100)).items
    assert tombstone.session.session_id == session.session_id
