"""Many clients of one library. Each checks by itself that it receives every event once and in order."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

Ack = dict[str, Any]

# Long, for a busy machine; only a failing test waits for it.
WAIT_SECONDS = 30.0

WEBSOCKET, POLLING, UPGRADE = ("websocket",), ("polling",), ("polling", "websocket")
TRANSPORTS = (WEBSOCKET, POLLING, UPGRADE)


@dataclass(frozen=True)
class Report:
    """The report of a client.

    Attributes:
        events: how many logged events it received.
        last: by session, the number of the newest.
        pings: how often it was pinged.
        joins: how often it subscribed.
        began: the transport that each of its connections began with.
        ends: why its connections ended.
        kept: name and number of all received events, if it was opened with `keep`.
        mistakes: the first missing, duplicated or reordered events.
        truncated: sessions whose history was incomplete.
        transport: the transport that it has now.
        extensions: those of its WebSocket; None without a WebSocket, or if unknown.
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
        received: by subscribed client and session, the last number that it received.
        joined: the acknowledgements of each client's subscriptions.
        ended: why each client's connections ended.
    """

    def __init__(self) -> None:
        self.received: dict[str, dict[str, int]] = {}
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
        """Start a client; it subscribes with its last numbers after each connect. Does not wait for that."""

    @abstractmethod
    async def cut(self, name: str) -> None:
        """Abort a client's connection; it reconnects by itself."""

    @abstractmethod
    async def close(self, name: str) -> None:
        """Disconnect a client."""

    @abstractmethod
    async def call(self, name: str, event: str, payload: Any) -> Ack:
        """Emit an event from a client. Returns the answer. Bytes in the payload are written {"bytes": 3}."""

    @abstractmethod
    async def report(self) -> dict[str, Report]:
        """The reports of all clients."""

    async def connect(self, name: str, *given: Any, **options: Any) -> Ack:
        """Open a client and wait for its acknowledgement, which is returned."""
        before = len(self.joined[name])
        await self.open(name, *given, **options)
        await self.until(lambda: len(self.joined[name]) > before, f"{name} is answered")
        answer = self.joined[name][-1]
        await self.until(lambda: not answer["ok"] or name in self.received, f"{name} is subscribed")
        return answer

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds; it is checked whenever a client reports something."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"Not within {WAIT_SECONDS} s: {what}. Received: {self.received}") from None

    async def until_received(self, session_id: str, seq: int, count: int) -> None:
        """Wait until `count` clients have received a session up to this number."""
        await self.until(
            lambda: self.count_received(session_id, seq) >= count, f"{count} receive {session_id} up to {seq}"
        )

    def count_received(self, session_id: str, seq: int) -> int:
        """How many clients have received a session up to this number."""
        return sum(last.get(session_id, 0) >= seq for last in self.received.values())
