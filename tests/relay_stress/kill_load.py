"""Sessions whose messages run one after the other, logged in DynamoDB and published on SNS like the worker's.

But an event and its number are no transaction: moto copies the table for each. There is no other writer.
"""

import asyncio
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shared.aws_event_log import AwsEventLog, event_item
from shared.aws_item import Item
from shared.aws_table import AwsTable
from shared.events import (
    AgentIterationEvent,
    Event,
    LoggedBase,
    LoggedEvent,
    MessageStartedEvent,
    TextDeltaEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
    event_payload,
)
from shared.table_keys import seq_key
from tests.relay.aws_topic import Topic

WAIT_SECONDS = 60.0
_MOST_ITERATIONS = 3
_DELTAS = 2


class Load:
    """The load.

    Attributes:
        sessions: the project of each session.
        last_seqs: the number of its newest event.
    """

    def __init__(self, table: AwsTable, topic: Topic, rng: random.Random) -> None:
        self.sessions: dict[str, str] = {}
        self.last_seqs: dict[str, int] = {}
        self._table = table
        self._topic = topic
        self._rng = rng
        self._is_over = False
        self._changed = asyncio.Event()

    @property
    def logged(self) -> int:
        """How many events are in the log."""
        return sum(self.last_seqs.values())

    async def begin_session(self, project_id: str) -> str:
        """A session of the project without an event."""
        session_id = str(uuid.uuid4())
        self.sessions[session_id] = project_id
        self.last_seqs[session_id] = 0
        await self._table.put_many([self._counter_of(session_id)])
        return session_id

    async def run(self) -> None:
        """Run all sessions until finish() is called; then every event is published."""
        async with asyncio.TaskGroup() as tasks:
            for session_id in self.sessions:
                tasks.create_task(self._run_session(session_id))

    def finish(self) -> None:
        """Start no further message."""
        self._is_over = True

    async def until_more(self, count: int) -> None:
        """Wait until `count` more events have been logged."""
        goal = self.logged + count
        async with asyncio.timeout(WAIT_SECONDS):
            while self.logged < goal:
                self._changed.clear()
                await self._changed.wait()

    async def read_log(self, session_id: str) -> list[dict[str, Any]]:
        """All events of a session in DynamoDB."""
        log = AwsEventLog(self._table, lambda: datetime.now(UTC))
        events: list[dict[str, Any]] = []
        while True:
            page = await log.read_events(self.sessions[session_id], session_id, len(events))
            assert page is not None
            assert not page.truncated
            events += [event_payload(event) for event in page.events]
            if not page.has_more:
                return events

    async def _run_session(self, session_id: str) -> None:
        bus = self._topic.bus  # each worker has its own
        while not self._is_over:
            for event in self._message_of(session_id):
                if isinstance(event, LoggedBase):
                    event = await self._log(event)  # noqa: PLW2901 - the same event, numbered
                await bus.publish(event)
            assert await bus.flush(WAIT_SECONDS)
            assert bus.dropped == 0

    async def _log(self, event: LoggedEvent) -> LoggedEvent:
        seq = self.last_seqs[event.session_id] + 1
        numbered = event.model_copy(update={"seq": seq})
        self.last_seqs[event.session_id] = seq
        await self._table.put_many([event_item(numbered), self._counter_of(event.session_id)])
        self._changed.set()
        return numbered

    def _counter_of(self, session_id: str) -> Item:
        return seq_key(self.sessions[session_id], session_id) | {"last_seq": self.last_seqs[session_id]}

    def _message_of(self, session_id: str) -> Iterator[Event]:
        def common() -> dict[str, Any]:
            return {"event_id": str(uuid.uuid4()), "created_at": datetime.now(UTC), **owner}

        owner = {"project_id": self.sessions[session_id], "session_id": session_id, "message_id": str(uuid.uuid4())}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "model": "m"}
        iterations = self._rng.randint(1, _MOST_ITERATIONS)
        yield MessageStartedEvent(**common(), attempt=1, prompt="Create a triage agent")
        for iteration in range(1, iterations + 1):
            about: dict[str, Any] = {"attempt": 1, "agent": "vibecoder", "iteration": iteration}
            for offset in range(_DELTAS):
                yield TextDeltaEvent(**common(), **about, offset=offset, text="x")
            yield TokenUsageEvent(**common(), **about, **usage, response_id=str(uuid.uuid4()))
            yield AgentIterationEvent(**common(), **about, content="x" * self._rng.randint(1, 2_000))
        yield VibecodeResponseEvent(
            **common(), attempt=1, content="Done.", patch=None, iterations=iterations, base_version=1, version=1
        )
