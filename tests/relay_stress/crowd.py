"""Many clients of one kind. Each checks by itself that it hears every event once and in order."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

Ack = dict[str, Any]

# Long for a machine that has other things to do; a test that waits for it has failed anyway.
WAIT_SECONDS = 30.0

WEBSOCKET, POLLING, UPGRADE = ("websocket",), ("polling",), ("polling", "websocket")
TRANSPORTS = (WEBSOCKET, POLLING, UPGRADE)


@dataclass(frozen=True)
class Report:
    """What a client tells of itself.

    Attributes:
        events: how many logged events it heard.
        last: by session, the number of the newest.
        pings: how often it was asked for a sign of life.
        joins: how often it was let in.
        began: the transport that each of its connections began with.
        ends: why its connections ended.
        kept: name and number of all that it heard, if it was told to keep that.
        mistakes: what was missing, doubled or out of order: the first few.
        truncated: sessions that were not to be had in full.
        transport: the transport that it has now.
        extensions: what its WebSocket agreed on; None where it has none, or cannot tell.
    """

    events: int = 0
    last: dict[str, int] = field(default_factory=dict)
    pings: int = 0
    joins: int = 0
    began: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    kept: list[list[Any]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    transport: str = ""
    extensions: str | None = None


class Crowd(ABC):
    """Clients by name; use it in an `async with` block.

    Attributes:
        heard: the clients that are in the room, and by session how far they have heard.
        joined: what each client was answered when it subscribed.
        ended: why each client's connections ended.
    """

    def __init__(self) -> None:
        self.heard: dict[str, dict[str, int]] = {}
        self.joined: dict[str, list[Ack]] = defaultdict(list)
        self.ended: dict[str, list[str]] = defaultdict(list)
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    @abstractmethod
    async def __aexit__(self, *_: object) -> None:
        """End all clients."""

    @abstractmethod
    async def open(
        self,
        name: str,
        transports: tuple[str, ...] = WEBSOCKET,
        project: str | None = None,
        after: dict[str, int] | None = None,
        *,
        keep: bool = False,
        **options: Any,
    ) -> None:
        """Have a client connect, and each time it is connected subscribe with what it has. Does not wait for that."""

    @abstractmethod
    async def cut(self, name: str) -> None:
        """Break a client's connection without a word; it comes back by itself."""

    @abstractmethod
    async def close(self, name: str) -> None:
        """Have a client say goodbye."""

    @abstractmethod
    async def call(self, name: str, event: str, payload: Any) -> Ack:
        """Have a client emit an event: what it is answered. Bytes in the payload are written {"bytes": 3}."""

    @abstractmethod
    async def report(self) -> dict[str, Report]:
        """What all clients tell of themselves."""

    async def enter(self, name: str, *given: Any, **options: Any) -> Ack:
        """Open a client and wait until it was answered; its acknowledgement."""
        before = len(self.joined[name])
        await self.open(name, *given, **options)
        await self.until(lambda: len(self.joined[name]) > before, f"{name} is answered")
        answer = self.joined[name][-1]
        await self.until(lambda: not answer["ok"] or name in self.heard, f"{name} listens")
        return answer

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds, which is looked at whenever the clients tell something."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"Not within {WAIT_SECONDS} s: {what}. Recorder: {self.heard}") from None

    async def until_heard(self, session_id: str, seq: int, count: int) -> None:
        """Wait until so many clients have heard a session so far."""
        await self.until(lambda: self.who_heard(session_id, seq) >= count, f"{count} hear {session_id} to {seq}")

    def who_heard(self, session_id: str, seq: int) -> int:
        """How many clients have heard a session so far."""
        return sum(last.get(session_id, 0) >= seq for last in self.heard.values())
