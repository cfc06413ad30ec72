"""A stream of events of every kind, which waits for its slowest client."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

from shared.bus_messages import BusMessage
from shared.events import (
    AgentIterationEvent,
    LoggedEvent,
    MessageFailedEvent,
    MessageStartedEvent,
    TextDeltaEvent,
    TokenUsageEvent,
)
from tests.relay.live_relay import PROJECT, SESSION, LiveRelay
from tests.relay_stress.crowd import Crowd

# Far below the limit of pending events of a polling client, far above what a client receives between two reports.
_WINDOW = 1_500
_LARGE = 70_000
_MESSAGE_EVENTS = 500
_MAX_BATCH = 60

_USAGE: dict[str, Any] = {
    "prompt_tokens": 1,
    "completion_tokens": 2,
    "total_tokens": 3,
    "model": "model",
    "agent": "evaluator",
    "iteration": 1,
    "response_id": "response",
}
Actions = list[tuple[int, Callable[[], Awaitable[None]]]]


class Stream:
    """One session's events, published over the bus of a relay.

    Args:
        live: the relay.
        random: decides the kinds of events, and the sizes of batches.
    """

    def __init__(self, live: LiveRelay, random: Random) -> None:
        self._live = live
        self._random = random
        self._events = live.log.sessions.setdefault(SESSION, [])
        live.log.projects[SESSION] = PROJECT
        self._texts = 0
        self.publish()  # a session without an event is not in the log

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return len(self._events)

    def publish(self, count: int = 1, *, large: bool = False) -> None:
        """Log and publish events, with live text in between."""
        batch: list[BusMessage] = []
        for _ in range(count):
            self._events.append(self._next_event(large=large))
            batch.append(self._events[-1])
            if self._random.random() < 0.1:
                batch.append(self._next_text())
        self._live.source.deliver(*batch)

    async def run(self, to: int, crowds: list[Crowd], actions: Actions | None = None) -> None:
        """Publish up to this number, no faster than the clients receive, and run each action at its number.

        A client of the first crowd must always be subscribed: without one the stream would outrun the relay, which then
        drops live text.
        """
        due = sorted(actions or [], key=lambda one: one[0])
        while self.last < to:
            while due and due[0][0] <= self.last:
                await due.pop(0)[1]()
            self.publish(min(self._random.randint(1, _MAX_BATCH), to - self.last))
            await asyncio.sleep(0)
            await crowds[0].until(lambda: len(crowds[0].received) > 0, "a client is subscribed")
            for crowd in crowds:
                await crowd.until(partial(self._is_close, crowd), f"all are close to {self.last}")
        assert not due, f"The stream of {to} events ended before {[number for number, _ in due]}"

    def _is_close(self, crowd: Crowd) -> bool:
        return all(last.get(SESSION, self.last) >= self.last - _WINDOW for last in crowd.received.values())

    def _next_event(self, *, large: bool) -> LoggedEvent:
        seq = self.last + 1
        # The client compares this with the number.
        content = f"{seq} " + "x" * (_LARGE if large or seq % 2_501 == 0 else self._random.randint(0, 200))
        head: dict[str, Any] = {
            "event_id": str(uuid.UUID(int=self._random.getrandbits(128))),
            "project_id": PROJECT,
            "session_id": SESSION,
            "message_id": f"message {seq // _MESSAGE_EVENTS}",
            "created_at": datetime.now(UTC),
            "seq": seq,
            "attempt": 1,
        }
        if seq % _MESSAGE_EVENTS == 1:
            return MessageStartedEvent.model_construct(**head, prompt="Make it Spanish")
        if seq % _MESSAGE_EVENTS == 0:
            return MessageFailedEvent.model_construct(**head, code="not_approved", detail="No")
        if self._random.random() < 0.3 and not large:
            return TokenUsageEvent.model_construct(**head, **_USAGE)
        return AgentIterationEvent.model_construct(**head, agent="vibecoder", iteration=1, content=content)

    def _next_text(self) -> TextDeltaEvent:
        # Of a message that never ends, so that none of it is dropped as stale.
        self._texts += 1
        return TextDeltaEvent.model_construct(
            event_id=f"text {self._texts}",
            project_id=PROJECT,
            session_id=SESSION,
            created_at=datetime.now(UTC),
            message_id="endless",
            attempt=1,
            agent="vibecoder",
            iteration=1,
            offset=self._texts,
            text=str(self.last),
        )
