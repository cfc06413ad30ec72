"""What a worker would do to a message, on the store ports; to end one, or to give it an answer of any size."""

import json
from dataclasses import replace
from datetime import timedelta

from backend.app.domain.messages.message import ModelResponse, TurnRef
from backend.app.domain.projects.project import CodeVersion
from backend.app.wiring_local import LocalEngine
from tests.contract.builders import answer_of, claim
from tests.contract.event_builders import USAGE, answer_event, usage_event


async def run_over_lease(engine: LocalEngine, message_id: str) -> TurnRef:
    """Claim the message's turn and let its lease expire immediately, like that of a killed worker."""
    turn = await claim(engine, message_id)
    await engine.turns.heartbeat(turn, engine.clock.now() - timedelta(seconds=1))
    return turn


async def answer(engine: LocalEngine, message_id: str, content: str = "Done", patch: str | None = None) -> None:
    """Run the message to its end, with this content; no code changes."""
    turn = await claim(engine, message_id)
    event = answer_event(engine, turn)
    await engine.turns.complete_turn(turn, replace(answer_of(), content=content, patch=patch), None, event)


async def change_code(engine: LocalEngine, message_id: str, code: str, version: int, commit: str = "Rain") -> None:
    """Run the message to its end, with new code that becomes this version of the project."""
    turn = await claim(engine, message_id)
    new = CodeVersion(turn.project_id, version, code, (), message_id, commit, engine.clock.now())
    event = answer_event(engine, turn, version)
    await engine.turns.complete_turn(turn, replace(answer_of(new), base_version=version - 1), new, event)


async def record(engine: LocalEngine, turn: TurnRef, call: int, body: dict[str, object], response_id: str) -> None:
    """Store the model's response to a call of the turn."""
    text = json.dumps({"id": response_id, **body})
    response = ModelResponse(turn.message_id, turn.attempt, call, "vibecoder", 1, response_id, "model-1", USAGE, text)
    event = usage_event(engine, turn).model_copy(update={"response_id": response_id})
    await engine.turns.record_response(turn, response, event)
