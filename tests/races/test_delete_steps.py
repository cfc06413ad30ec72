"""A session that is deleted at any step of its turn is hidden immediately, and its key is free for another one."""

from pathlib import Path

import pytest

from backend.app.domain.errors import MessageNotFoundError, SessionNotFoundError, TurnFencedError
from backend.app.domain.messages.message import Message, MessageError, MessageStatus, TurnRef
from backend.app.domain.ports import TurnNotification
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.outcome import Done
from backend.app.wiring_local import LocalEngine
from shared.events import LoggedBase, SessionDeletedEvent
from tests.contract.builders import ITEMS, answer_of, response_of
from tests.contract.event_builders import answer_event, failed_event, started_event, usage_event
from tests.races.gates import Gate, at_every_point
from tests.races.prompted_agents import items_of
from tests.races.race_fixture import CODE, USER, RaceFixture, check_patch, open_race_fixture

WRITES = ("append_event", "record_response", "store_items", "complete_turn", "end_turn", "release_lease")


async def _check_deleted(fixture: RaceFixture, session: Session, message: Message, last_seq: int) -> None:
    """The old session answers nothing any more, and its log has not grown."""
    sessions, messages = fixture.services.sessions, fixture.services.messages
    with pytest.raises(SessionNotFoundError):
        await sessions.get_session(USER, session.session_id)
    with pytest.raises(SessionNotFoundError):
        await sessions.list_events(USER, session.session_id, 0, 10)
    with pytest.raises(SessionNotFoundError):
        await sessions.delete_session(USER, session.session_id)
    with pytest.raises(SessionNotFoundError):
        await messages.list_messages(USER, session.session_id, 10, None, ascending=True)
    with pytest.raises(SessionNotFoundError):
        await messages.send_message(USER, session.session_id, "say late", wait_seconds=0)
    for call in (messages.get_message, messages.get_full_message, messages.cancel_message):
        with pytest.raises(MessageNotFoundError):
            await call(USER, message.message_id)
    page = await fixture.engine.events.read_events(session.project_id, session.session_id, 0, 1000)
    assert page is not None
    assert page.deleted
    assert page.last_seq == last_seq
    assert [type(event) for event in page.events] == [SessionDeletedEvent]


async def _check_refused(fixture: RaceFixture, message: Message) -> None:
    """Whatever attempt the old turn believes to be, none of its writes gets through."""
    turns, engine = fixture.engine.turns, fixture.engine
    for attempt in range(4):
        turn = TurnRef(message.message_id, message.session_id, message.project_id, message.number, attempt)
        writes = (
            turns.append_event(turn, started_event(engine, turn)),
            turns.record_response(turn, response_of(turn, 99), usage_event(engine, turn)),
            turns.store_items(turn, ITEMS),
            turns.complete_turn(turn, answer_of(), None, answer_event(engine, turn)),
            turns.end_turn(turn, MessageStatus.FAILED, MessageError("a", "b"), 1, failed_event(engine, turn)),
            turns.release_lease(turn, engine.clock.now()),
            turns.heartbeat(turn, engine.clock.now()),
        )
        for write in writes:
            with pytest.raises(TurnFencedError):
                await write
    assert await turns.find_open_message(message.session_id) is None
    assert list(await turns.list_completed_turns(message.session_id, 0, 10)) == []


async def _check_successor(fixture: RaceFixture, successor: Session, prompts: list[str], old: Message) -> None:
    """The new session of the key knows of its own turns only."""
    found = await fixture.services.sessions.get_session(USER, successor.session_id)
    _, page = await fixture.services.messages.list_messages(USER, successor.session_id, 10, None, ascending=True)
    assert [(message.number, message.prompt) for message in page.items] == list(enumerate(prompts, 1))
    assert all(message.status is MessageStatus.COMPLETED for message in page.items)
    assert found.message_count == len(prompts)
    assert await fixture.remembered(successor) == (
        len(prompts),
        [item for prompt in prompts for item in items_of(prompt)],
    )
    for event in await fixture.events(successor):
        assert event.session_id == successor.session_id
        assert old.message_id not in event.model_dump_json()
        assert old.prompt not in event.model_dump_json()


@pytest.mark.parametrize(("prompt", "node_id"), [("add old", None), ("say old", "assistant"), ("stumble old", None)])
async def test_a_session_deleted_at_any_step_is_hidden_and_its_key_is_free(
    engine: LocalEngine, tmp_path: Path, prompt: str, node_id: str | None
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session = await fixture.session(node_id)
        message = await fixture.send(session, prompt)
        successors: list[Session] = []
        last_seqs: list[int] = []

        async def delete_and_start() -> None:
            before = await fixture.services.sessions.get_session(USER, session.session_id)
            await fixture.services.sessions.delete_session(USER, session.session_id)
            last_seqs.append(before.last_seq + 1)
            successor = await fixture.session(node_id)
            assert (successor.message_count, successor.last_seq) == (0, 0)
            assert successor.session_id != session.session_id
            assert successor.openai_session_key == session.openai_session_key
            assert await fixture.remembered(successor) == (0, [])
            assert (await fixture.ask(successor, "say first")).number == 1
            successors.append(successor)

        gate.interfere = delete_and_start
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        (successor,) = successors
        writes = [call for call in gate.after if call.name.removeprefix("turns.") in WRITES]
        assert all(call.outcome == "TurnFencedError" for call in writes), writes
        await _check_deleted(fixture, session, message, last_seqs[0])
        await _check_refused(fixture, message)
        assert (
            await fixture.calm.run_turn(TurnNotification(message.session_id, message.message_id), "receipt-handle")
            == Done()
        )
        await fixture.ask(successor, "say second")
        await _check_successor(fixture, successor, ["say first", "say second"], message)
        assert fixture.agents.histories[-1] == ("say second", tuple(items_of("say first")))
        completed = any(call.name == "turns.complete_turn" and call.outcome == "ok" for call in gate.before)
        changed = completed and prompt.startswith("add")
        assert await fixture.code() == ((2, CODE + "old = 1\n") if changed else (1, CODE))
        assert len(await fixture.versions()) == (2 if changed else 1)

    await at_every_point(race)


async def test_the_deletion_of_a_session_is_published_once_and_last_at_any_step(
    engine: LocalEngine, tmp_path: Path
) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session = await fixture.session()
        message = await fixture.send(session, "add old")
        waiting = await fixture.send(session, "say waiting")

        async def delete() -> None:
            await fixture.services.sessions.delete_session(USER, session.session_id)

        gate.interfere = delete
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        await fixture.answer(waiting)
        assert fixture.agents.begun["say waiting"] == 0
        logged = [event for event in fixture.published if isinstance(event, LoggedBase)]
        deletions = [event for event in logged if isinstance(event, SessionDeletedEvent)]
        assert [event.seq for event in deletions] == [max(event.seq for event in logged)]

    await at_every_point(race)


async def test_a_project_deleted_at_any_step_is_hidden_with_its_turn(engine: LocalEngine, tmp_path: Path) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session = await fixture.session()
        message = await fixture.send(session, "add old")

        async def delete() -> None:
            await fixture.services.projects.delete_project(USER, fixture.project_id)

        gate.interfere = delete
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        writes = [call for call in gate.after if call.name.removeprefix("turns.") in WRITES]
        assert all(call.outcome == "TurnFencedError" for call in writes), writes
        await _check_refused(fixture, message)
        assert await engine.projects.find_project(fixture.project_id) is None
        for version in (1, 2):
            assert await engine.projects.find_code_version(fixture.project_id, version) is None
        with pytest.raises(MessageNotFoundError):
            await fixture.find(message)

    await at_every_point(race)


async def test_a_deleted_session_lets_the_change_of_another_session_stand(engine: LocalEngine, tmp_path: Path) -> None:
    async def race(gate: Gate) -> None:
        fixture = await open_race_fixture(engine, tmp_path, gate)
        session, other = await fixture.session(), await fixture.session("assistant")
        message = await fixture.send(session, "add old")
        answered: list[Message] = []

        async def delete_after_another_turn() -> None:
            answered.append(await fixture.ask(other, "top other"))
            await fixture.services.sessions.delete_session(USER, session.session_id)

        gate.interfere = delete_after_another_turn
        await fixture.answer(message, fixture.raced)
        await gate.finish()
        await check_patch(fixture, answered[0])
        assert "# other\n" in (await fixture.code())[1]

    await at_every_point(race)
