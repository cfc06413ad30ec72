"""Events of turns and sessions, filled in for the contract suites."""

from typing import Any

from backend.app.domain.engine import Engine
from backend.app.domain.messages.message import Message, MessageError, TurnRef
from backend.app.domain.sessions.session import Session
from shared.events import (
    AgentIterationEvent,
    MessageCancelledEvent,
    MessageFailedEvent,
    MessageStartedEvent,
    SessionDeletedEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
)
from shared.token_usage import TokenUsage

USAGE = TokenUsage(prompt_tokens=10, completion_tokens=5, total_tokens=15, cached_tokens=4, reasoning_tokens=2)
FAILURE = MessageError("model_failed", "The model failed.")
CANCELLED = MessageError("cancelled", "A user cancelled it.")
DELETED = MessageError("session_deleted", "The session was deleted.")


def _head(engine: Engine, message: Message | TurnRef) -> dict[str, Any]:
    return {
        "event_id": engine.ids.new_id(),
        "project_id": message.project_id,
        "session_id": message.session_id,
        "created_at": engine.clock.now(),
        "attempt": message.attempt,
        "message_id": message.message_id,
    }


def started_event(engine: Engine, turn: TurnRef) -> MessageStartedEvent:
    return MessageStartedEvent(**_head(engine, turn), prompt="Make it rain")


def iteration_event(engine: Engine, turn: TurnRef, content: str = "A draft") -> AgentIterationEvent:
    return AgentIterationEvent(**_head(engine, turn), agent="vibecoder", iteration=1, content=content)


def usage_event(engine: Engine, turn: TurnRef, usage: TokenUsage = USAGE) -> TokenUsageEvent:
    return TokenUsageEvent(
        **_head(engine, turn),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        model="model-1",
        agent="vibecoder",
        iteration=1,
        response_id="resp_1",
    )


def answer_event(engine: Engine, turn: TurnRef, version: int = 1) -> VibecodeResponseEvent:
    return VibecodeResponseEvent(
        **_head(engine, turn),
        content="Done",
        patch=None if version == 1 else "a patch",
        iterations=2,
        base_version=1,
        version=version,
    )


def failed_event(engine: Engine, turn: TurnRef) -> MessageFailedEvent:
    return MessageFailedEvent(**_head(engine, turn), code=FAILURE.code, detail=FAILURE.detail)


def cancelled_event(engine: Engine, message: Message | TurnRef) -> MessageCancelledEvent:
    return MessageCancelledEvent(**_head(engine, message), code=CANCELLED.code, detail=CANCELLED.detail)


def deleted_event(engine: Engine, session: Session) -> SessionDeletedEvent:
    return SessionDeletedEvent(
        event_id=engine.ids.new_id(),
        project_id=session.project_id,
        session_id=session.session_id,
        created_at=engine.clock.now(),
    )
