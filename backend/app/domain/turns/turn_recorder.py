"""Takes note of what happens in a turn: into the store and the log first, then to whoever listens."""

import json
from datetime import timedelta
from typing import TypeVar

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import Item, MessageError, MessageStatus, ModelResponse, TurnRef
from backend.app.domain.ports import Clock, EventBus, IdGenerator
from backend.app.domain.turns.ports import TurnStore
from backend.app.domain.turns.text_stream import TextStream
from shared.event_fields import AgentName
from shared.event_size import fit_event
from shared.events import (
    AgentIterationEvent,
    EndingEvent,
    EventBase,
    MessageCancelledEvent,
    MessageFailedEvent,
    MessageStartedEvent,
    RetryScheduledEvent,
    TextDeltaEvent,
    TokenUsageEvent,
)
from shared.token_usage import TokenUsage

_PREVIEW_CHARACTERS = 16_000
# More announcements of retries say nothing new, and an attempt may have dozens of calls.
_MOST_RETRIES_ANNOUNCED = 20

AnyEvent = TypeVar("AnyEvent", bound=EventBase)


class TurnEventRecorder:
    """The TurnRecorder of one attempt, which also builds the turn's own events."""

    def __init__(self, turn: TurnRef, turns: TurnStore, bus: EventBus, clock: Clock, ids: IdGenerator) -> None:
        self._turn = turn
        self._turns = turns
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._calls = 0
        self._retries = 0
        self._response_ids: set[str] = set()
        self._text = TextStream(self._send_text)

    def event(self, kind: type[AnyEvent], **payload: object) -> AnyEvent:
        """An event of this message and attempt, not yet logged, cut to size."""
        event = kind.model_validate(
            {
                "event_id": self._ids.new_id(),
                "project_id": self._turn.project_id,
                "session_id": self._turn.session_id,
                "message_id": self._turn.message_id,
                "attempt": self._turn.attempt,
                "created_at": self._clock.now(),
                **payload,
            }
        )
        return fit_event(event, f"/messages/{self._turn.message_id}")

    async def record_start(self, prompt: str, last_seq: int) -> None:
        """The attempt has begun. `last_seq`: the session's last event, read just now."""
        event = self.event(MessageStartedEvent, prompt=prompt)
        await self._bus.publish(await self._turns.append_event(self._turn, event, last_seq))

    async def record_response(
        self, agent: AgentName, iteration: int, *, response_id: str, model: str, usage: TokenUsage, body: Item
    ) -> None:
        """A model response has ended: stored whole and counted as one transaction, then published.

        Its text goes out in between: nothing that is only live stands before what is kept.
        """
        self._calls += 1
        if not response_id or response_id in self._response_ids:  # what it is read by must be its own
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
        event = self.event(
            TokenUsageEvent,
            **usage.model_dump(),
            model=model,
            agent=agent,
            iteration=iteration,
            response_id=response_id,
        )
        logged = await self._turns.record_response(self._turn, response, event)
        await self._text.flush()
        await self._bus.publish(logged)

    async def record_retry(
        self, agent: AgentName | None, iteration: int | None, reason: TurnError, seconds: float
    ) -> None:
        """Something that failed is tried again in so many seconds: a model call, or (agent None) the turn."""
        self._retries += 1
        if self._retries > _MOST_RETRIES_ANNOUNCED:
            return
        now = self._clock.now()
        await self._log(
            self.event(
                RetryScheduledEvent,
                created_at=now,
                code=reason.code,
                detail=reason.detail,
                retry_at=now + timedelta(seconds=seconds),
                agent=agent,
                iteration=iteration,
            )
        )

    async def record_iteration(
        self,
        agent: AgentName,
        iteration: int,
        content: str,
        *,
        patch: str | None = None,
        approved: bool | None = None,
    ) -> None:
        """An agent has done its part of an iteration."""
        event = self.event(
            AgentIterationEvent,
            agent=agent,
            iteration=iteration,
            content=content,
            patch_preview=None if patch is None else patch[:_PREVIEW_CHARACTERS],
            approved=approved,
        )
        logged = await self._turns.append_event(self._turn, event)
        await self._text.flush()
        await self._bus.publish(logged)

    def stream_text(self, agent: AgentName, iteration: int, text: str) -> None:
        """The model wrote some more text: sent soon, never waited for."""
        self._text.add(agent, iteration, text)

    async def record_end(self, status: MessageStatus, error: MessageError, iterations: int) -> None:
        """End the message failed or cancelled. Raises TurnFencedError."""
        draft: MessageFailedEvent | MessageCancelledEvent
        if status is MessageStatus.FAILED:
            draft = self.event(MessageFailedEvent, code=error.code, detail=error.detail)
        else:
            draft = self.event(MessageCancelledEvent, code=error.code, detail=error.detail)
        await self.publish(await self._turns.end_turn(self._turn, status, error, iterations, draft))

    async def publish(self, event: EndingEvent) -> None:
        """Tell the end, which the store has logged already."""
        await self._bus.publish(event)

    def close(self) -> None:
        """Nothing more is streamed. Safe to repeat."""
        self._text.close()

    async def _log(self, event: MessageStartedEvent | RetryScheduledEvent) -> None:
        await self._bus.publish(await self._turns.append_event(self._turn, event))

    async def _send_text(self, agent: AgentName, iteration: int, offset: int, text: str) -> None:
        await self._bus.publish(self.event(TextDeltaEvent, agent=agent, iteration=iteration, offset=offset, text=text))
