"""A store of the local engine that an older Vibewire made goes on where it was."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from backend.app.adapters.local.sqlite.recovery import recover_turns
from backend.app.domain.ports import TurnNotification
from backend.app.wiring_local import LocalEngine, build_local_engine
from tests.contract.builders import claim, queued_message, record_response, stored_session
from tests.contract.event_builders import USAGE
from tests.manual_time import ManualClock, SequentialIds

# Takes away what came later, newest first.
_ADDED = """
DROP TABLE notifications;
DROP INDEX due_messages;
ALTER TABLE messages DROP COLUMN rescues;
ALTER TABLE messages DROP COLUMN due_at;
"""


async def opened(folder: Path, clock: ManualClock, ids: SequentialIds) -> LocalEngine:
    engine = build_local_engine(folder, clock, ids)
    await engine.database.open()
    return engine


async def test_the_open_messages_of_an_older_store_are_run(
    tmp_path: Path, clock: ManualClock, ids: SequentialIds
) -> None:
    engine = await opened(tmp_path, clock, ids)
    running, waiting = await stored_session(engine), await stored_session(engine)
    turn = await claim(engine, (await queued_message(engine, running)).message_id)
    messages = [await queued_message(engine, waiting) for _ in range(2)]
    await engine.queue.enqueue(TurnNotification(waiting.session_id, messages[0].message_id))
    await engine.database.close()
    with closing(sqlite3.connect(tmp_path / "vibewire.sqlite")) as store:
        store.executescript(_ADDED)

    engine = await opened(tmp_path, clock, ids)
    assert await recover_turns(engine.database, clock) == 3
    first = await engine.turns.find_open_message(waiting.session_id)
    again = await engine.turns.find_open_message(running.session_id)
    assert first is not None
    assert again is not None
    assert (first.message_id, again.message_id) == (messages[0].message_id, turn.message_id)
    assert first.due_at == again.due_at == clock.now() + timedelta(seconds=20)
    received = [(await engine.queue.receive(60)).notification for _ in range(2)]
    assert {one.message_id for one in received} == {messages[0].message_id, turn.message_id}
    assert not any(one.is_rescue for one in received)
    await engine.database.close()


async def test_usage_of_an_older_store_is_counted_on(tmp_path: Path, clock: ManualClock, ids: SequentialIds) -> None:
    engine = await opened(tmp_path, clock, ids)
    session = await stored_session(engine)
    turn = await claim(engine, (await queued_message(engine, session)).message_id)
    await record_response(engine, turn, 1)
    await engine.database.close()
    with closing(sqlite3.connect(tmp_path / "vibewire.sqlite")) as store:
        for table in ("sessions", "messages", "responses"):
            for column in ("cached_tokens", "reasoning_tokens"):
                store.execute(f"ALTER TABLE {table} DROP COLUMN {column}")

    engine = await opened(tmp_path, clock, ids)
    await record_response(engine, turn, 2)
    responses = await engine.messages.list_responses(turn.message_id)
    before = USAGE.model_copy(update={"cached_tokens": 0, "reasoning_tokens": 0})
    assert [response.usage for response in responses] == [before, USAGE]
    found = await engine.messages.find_message(turn.message_id)
    assert found is not None
    assert found.token_usage == before + USAGE
    await engine.database.close()
