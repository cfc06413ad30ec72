"""Records what happens in a turn: first in the store and the event log, then on the bus."""

import json
from datetime import timedelta
from typing import Literal, TypeVar, assert_never

from backend.app.domain.engine import Engine
from backend.app.domain.errors import TurnError
from backend.app.domain.event_factory import EventFactory
from backend.app.domain.messages.message import Item, MessageError, MessageStatus, ModelResponse, TurnAnswer, TurnRef
from backend.app.domain.projects.project import CodeVersion
from backend.app.domain.turns.milestones import Milestones
from backend.app.domain.turns.text_stream import TextStream
from shared.event_fields import AgentName
from shared.event_size import fit_event
from shared.events import (
    AgentIterationEvent,
    CodeChangedEvent,
    EventBase,
    MessageCancelledEvent,
    MessageFailedEvent,
    MessageStartedEvent,
    RetryScheduledEvent,
    TextDeltaEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
)
from shared.token_usage import TokenUsage

_PREVIEW_CHARACTERS = 16_000
# Further events would say nothing new, and an attempt may have dozens of calls.
_MOST_RETRY_EVENTS = 20

AnyEvent = TypeVar("AnyEvent", bound=EventBase)
EndedStatus = Literal[MessageStatus.FAILED, MessageStatus.CANCELLED]


class TurnEventRecorder:
    """The TurnRecorder of one attempt, which also records how the turn starts and ends, and logs its milestones."""

    def __init__(self, turn: TurnRef, engine: Engine) -> None:
        self._turn = turn
        self._turns = engine.turns
        self._bus = engine.bus
        self._ids = engine.ids
        self._events = EventFactory(engine.clock, engine.ids)
        self._calls = 0
        self._retries = 0
        self._response_ids: set[str] = set()
        self._text = TextStream(self._publish_text)
        self.milestones = Milestones(turn, engine.clock)

    async def record_start(self, prompt: str, last_seq: int) -> None:
        """Record that the attempt has started. `last_seq` is the number of the session's last event, just read."""
        event = self._fit(MessageStartedEvent(**self._events.of_turn(self._turn), prompt=prompt))
        await self._bus.publish(await self._turns.append_event(self._turn, event, last_seq))
        self.milestones.log("started")

    async def record_response(
        self, agent: AgentName, iteration: int, *, response_id: str, model: str, usage: TokenUsage, body: Item
    ) -> None:
        """Store a model response with its usage and its event in one transaction, then publish the event.

        Live text that is still pending is published first, so that it precedes the event.
        """
        self._calls += 1
        if not response_id or response_id in self._response_ids:
            response_id = self._ids.new_id()
        self._response_ids.add(response_id)
        response = ModelResponse(
            message_id=self._turn.message_id,
            attempt=self._turn.attempt,
            call=self._calls,
            agent=agent,
            iteration=iteration,
            response_id=response_id,
            model=model,
            usage=usage,
            body=json.dumps(body, separators=(",", ":")),
        )
        event = TokenUsageEvent(
            **self._events.of_turn(self._turn),
            **usage.model_dump(),
            model=model,
            agent=agent,
            iteration=iteration,
            response_id=response_id,
        )
        logged = await self._turns.record_response(self._turn, response, self._fit(event))
        await self._text.flush()
        await self._bus.publish(logged)

    async def record_retry(
        self, agent: AgentName | None, iteration: int | None, reason: TurnError, seconds: float
    ) -> None:
        """Record that a model call, or (agent None) the turn, is retried in so many seconds."""
        self._retries += 1
        if self._retries > _MOST_RETRY_EVENTS:
            return
        fields = self._events.of_turn(self._turn)
        event = RetryScheduledEvent(
            **fields,
            code=reason.code,
            detail=reason.detail,
            retry_at=fields["created_at"] + timedelta(seconds=seconds),
            agent=agent,
            iteration=iteration,
        )
        await self._bus.publish(await self._turns.append_event(self._turn, self._fit(event)))

    async def record_iteration(
        self,
        agent: AgentName,
        iteration: int,
        content: str,
        *,
        patch: str | None = None,
        approved: bool | None = None,
    ) -> None:
        """Record an agent's part of an iteration."""
        event = AgentIterationEvent(
            **self._events.of_turn(self._turn),
            agent=agent,
            iteration=iteration,
            content=content,
            patch_preview=None if patch is None else patch[:_PREVIEW_CHARACTERS],
            approved=approved,
        )
        logged = await self._turns.append_event(self._turn, self._fit(event))
        await self._text.flush()
        await self._bus.publish(logged)
        did = "answered" if patch is None else "submitted a patch"
        did = did if approved is None else "approved" if approved else "rejected"
        self.milestones.log(f"iteration {iteration}, {agent} {did}")

    def stream_text(self, agent: AgentName, iteration: int, text: str) -> None:
        """Publish text that the model wrote, soon. Returns immediately."""
        self._text.add(agent, iteration, text)

    async def record_answer(self, answer: TurnAnswer, version: CodeVersion | None) -> VibecodeResponseEvent:
        """Complete the turn in the store. Returns the logged event, for `publish_answer`.

        Raises TurnFencedError, StaleBaseError, TurnCancelRequestedError.
        """
        event = VibecodeResponseEvent(
            **self._events.of_turn(self._turn),
            content=answer.content,
            patch=answer.patch,
            iterations=answer.iterations,
            base_version=answer.base_version,
            version=answer.base_version if version is None else version.version,
        )
        logged = await self._turns.complete_turn(self._turn, answer, version, self._fit(event))
        self.milestones.log("completed" if version is None else f"completed, version {version.version}")
        return logged

    async def publish_answer(self, logged: VibecodeResponseEvent, version: CodeVersion | None) -> None:
        """Publish a completed turn's event, and where the code changed, its new version."""
        await self._bus.publish(logged)
        if version is not None:
            fields = self._events.of_message(self._turn, version.created_at)
            await self._bus.publish(CodeChangedEvent(**fields, version=version.version))

    async def record_end(self, status: EndedStatus, error: MessageError, iterations: int) -> None:
        """End the message failed or cancelled. Raises TurnFencedError."""
        fields = self._events.of_turn(self._turn)
        event: MessageFailedEvent | MessageCancelledEvent
        match status:
            case MessageStatus.FAILED:
                event = MessageFailedEvent(**fields, code=error.code, detail=error.detail)
            case MessageStatus.CANCELLED:
                event = MessageCancelledEvent(**fields, code=error.code, detail=error.detail)
            case _:
                assert_never(status)
        await self._bus.publish(await self._turns.end_turn(self._turn, status, error, iterations, self._fit(event)))
        self.milestones.log(f"{status.value}, {error.code}")

    def close(self) -> None:
        """Stop streaming text. Safe to repeat."""
        self._text.close()

    def _fit(self, event: AnyEvent) -> AnyEvent:
        return fit_event(event, f"/messages/{self._turn.message_id}")

    async def _publish_text(self, agent: AgentName, iteration: int, offset: int, text: str) -> None:
        fields = self._events.of_turn(self._turn)
        event = TextDeltaEvent(**fields, agent=agent, iteration=iteration, offset=offset, text=text)
        await self._bus.publish(self._fit(event))
