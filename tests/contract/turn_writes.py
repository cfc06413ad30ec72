"""Everything that a worker writes to its turn: what a fence has to refuse."""

from backend.app.domain.engine import Engine
from backend.app.domain.messages.message import MessageStatus, TurnRef
from tests.contract.builders import ITEMS, LEASE, TurnWrite, answer_of, fail, next_version, record_response
from tests.contract.event_builders import CANCELLED, answer_event, cancelled_event, iteration_event


async def _complete(engine: Engine, turn: TurnRef) -> None:
    await engine.turns.complete_turn(turn, answer_of(), None, answer_event(engine, turn))


async def _complete_with_code(engine: Engine, turn: TurnRef) -> None:
    project = await engine.projects.find_project(turn.project_id)
    assert project is not None
    version = next_version(engine, project, project.version + 1, turn.message_id)
    event = answer_event(engine, turn, version.version)
    await engine.turns.complete_turn(turn, answer_of(version), version, event)


async def _end_cancelled(engine: Engine, turn: TurnRef) -> None:
    await engine.turns.end_turn(turn, MessageStatus.CANCELLED, CANCELLED, 1, cancelled_event(engine, turn))


COMPLETIONS: dict[str, TurnWrite] = {
    "complete_turn": _complete,
    "complete_turn_with_code": _complete_with_code,
}
OTHER_WRITES: dict[str, TurnWrite] = {
    "append_event": lambda engine, turn: engine.turns.append_event(turn, iteration_event(engine, turn)),
    "record_response": lambda engine, turn: record_response(engine, turn, call=7),
    "store_items": lambda engine, turn: engine.turns.store_items(turn, ITEMS),
    "end_turn_failed": fail,
    "end_turn_cancelled": _end_cancelled,
    "heartbeat": lambda engine, turn: engine.turns.heartbeat(turn, engine.clock.now() + 5 * LEASE),
    "heartbeat_without_lease": lambda engine, turn: engine.turns.heartbeat(turn, None),
    "release_lease": lambda engine, turn: engine.turns.release_lease(turn, engine.clock.now()),
}
WRITES = COMPLETIONS | OTHER_WRITES
