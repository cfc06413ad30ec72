"""What scripted agents answer, and a cancel, for tests of turns."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Message
from backend.app.domain.turns.agent_port import Draft, Review
from backend.app.wiring_local import LocalEngine
from shared.events import LoggedEvent, MessageCancelledEvent
from tests.domain.scripted_agents import CODE, TurnFixture

NEW_CODE = CODE + 'triage = Agent(name="Triage")\n'
PATCH = Draft("I added triage.", NEW_CODE)
APPROVED = Review(approved=True, reasoning="Good.", commit_message="Add triage")
REJECTED = Review(approved=False, reasoning="Too thin.", commit_message="")
PASSING = TurnError("model_unavailable", "503", retryable=True)

T = TypeVar("T")
OpenTurnFixture = Callable[..., Awaitable[TurnFixture]]


async def ask_to_cancel(engine: LocalEngine, message: Message) -> tuple[Message, LoggedEvent | None]:
    now = engine.clock.now()
    cancelled = MessageCancelledEvent(
        event_id="e",
        project_id=message.project_id,
        session_id=message.session_id,
        message_id=message.message_id,
        created_at=now,
        code="cancelled",
        detail="",
    )
    return await engine.messages.cancel_message(message.message_id, now, cancelled)
