"""Sessions with a long history, put into a data folder through the product's own ports before a server has it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from backend.app.domain.messages.message import Message, TurnAnswer, TurnRef
from backend.app.domain.projects.project import Project
from backend.app.domain.projects.workflow.workflow import read_workflow
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.turn_recorder import TurnEventRecorder
from backend.app.wiring_local import LocalEngine, build_local_engine
from shared.events import VibecodeResponseEvent
from shared.identity import LOCAL_USER
from shared.token_usage import TokenUsage
from tests.bench.conversation import CODE, PROJECT_NAME, Item, history, request_of
from tests.bench.vibewire_client import Talk

_LEASE = timedelta(seconds=60)


async def seed_talks(data_dir: Path, *items: int) -> list[Talk]:
    """A project and a session for each number, with so many items of completed turns.

    The memory is built from them by the session's first turn, as it is when its file was lost.
    """
    engine = build_local_engine(data_dir)
    await engine.database.open()
    try:
        return [await _seed_talk(engine, history(count)) for count in items]
    finally:
        await engine.close()


async def seed_full_messages(data_dir: Path, megabytes: Sequence[int]) -> dict[int, Talk]:
    """For each number a session with one message, for which the model said so many megabytes in responses of one."""
    engine = build_local_engine(data_dir)
    await engine.database.open()
    try:
        talks = {size: await _seed_talk(engine, []) for size in megabytes}
        for size, talk in talks.items():
            await _seed_responses(engine, talk, size)
        return talks
    finally:
        await engine.close()


async def _seed_responses(engine: LocalEngine, talk: Talk, count: int) -> None:
    now = engine.clock.now()
    message = Message(engine.ids.new_id(), talk.session_id, talk.project_id, request_of(0), now)
    message, *_ = await engine.messages.queue_message(message, queue_limit=1)
    await engine.turns.claim_turn(message.message_id, now, now + _LEASE, max_attempts=1)
    turn = TurnRef(message.message_id, message.session_id, message.project_id, message.number, attempt=1)
    recorder = TurnEventRecorder(turn, engine)
    for number in range(count):
        output = [{"type": "message", "content": [{"type": "output_text", "text": "word " * 12}]}] * 8_500
        body = {"object": "response", "output": output}
        await recorder.record_response(
            "vibecoder", 1, response_id=f"resp_{number}", model="model", usage=TokenUsage(), body=body
        )
    recorder.close()
    await engine.turns.complete_turn(turn, TurnAnswer("Done.", 1, 1, CODE), None, _answer_event(engine, turn))


async def _seed_talk(engine: LocalEngine, turns: list[list[Item]]) -> Talk:
    now = engine.clock.now()
    project = Project(
        project_id=engine.ids.new_id(),
        name=PROJECT_NAME,
        owner=LOCAL_USER,
        members=(),
        code=CODE,
        version=1,
        nodes=read_workflow(CODE).nodes,
        created_at=now,
        updated_at=now,
    )
    await engine.projects.create_project(project)
    session, _ = await engine.sessions.start_session(Session(engine.ids.new_id(), project.project_id, None, now))
    for number, items in enumerate(turns):
        await _seed_turn(engine, session, request_of(number), items)
    return Talk(project.project_id, session.session_id)


async def _seed_turn(engine: LocalEngine, session: Session, prompt: str, items: list[Item]) -> None:
    now = engine.clock.now()
    message = Message(engine.ids.new_id(), session.session_id, session.project_id, prompt, now)
    message, *_ = await engine.messages.queue_message(message, queue_limit=1)
    await engine.turns.claim_turn(message.message_id, now, now + _LEASE, max_attempts=1)
    turn = TurnRef(message.message_id, message.session_id, message.project_id, message.number, attempt=1)
    await engine.turns.store_items(turn, items)
    await engine.turns.complete_turn(turn, TurnAnswer("Done.", 1, 1, CODE), None, _answer_event(engine, turn))


def _answer_event(engine: LocalEngine, turn: TurnRef) -> VibecodeResponseEvent:
    return VibecodeResponseEvent(
        event_id=engine.ids.new_id(),
        project_id=turn.project_id,
        session_id=turn.session_id,
        message_id=turn.message_id,
        attempt=turn.attempt,
        created_at=engine.clock.now(),
        content="Done.",
        patch=None,
        iterations=1,
        base_version=1,
        version=1,
    )
