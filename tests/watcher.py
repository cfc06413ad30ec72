"""A Socket.IO client that keeps the events it receives."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

import aiohttp
import socketio

Event = dict[str, Any]

WAIT_SECONDS = 20.0


class ReadAnswer(aiohttp.ClientResponse):
    """An answer to a POST that reads itself: python-engineio does not, and an unread answer holds a connection."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Take the answer of the connection."""
        await super().start(connection)
        if self.method == "POST":
            await self.read()
        return self


class Watcher:
    """A real python-socketio client. `events` is everything it was sent, in order; use it in an `async with` block."""

    def __init__(self, url: str, *, transports: tuple[str, ...] = ("websocket",), **connect: Any) -> None:
        self._url = url
        self._transports = transports
        self._connect = connect
        self.client = socketio.AsyncClient(
            reconnection=False, http_session=lambda: aiohttp.ClientSession(response_class=ReadAnswer)
        )
        self.events: list[Event] = []
        self._changed = asyncio.Event()
        self.client.on("*", self._keep)
        self.client.on("disconnect", self._changed_now)

    async def __aenter__(self) -> Self:
        try:
            await self.client.connect(
                self._url, transports=list(self._transports), wait_timeout=WAIT_SECONDS, **self._connect
            )
        except BaseException:
            await self.client.eio.disconnect()  # closes what a connection that was refused leaves open
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()
        await self.client.shutdown()

    async def subscribe(self, project_id: str, after: dict[str, int] | None = None) -> dict[str, Any]:
        """Subscribe to a project; the acknowledgement."""
        payload = {"project_id": project_id} | ({} if after is None else {"after": after})
        return await self.call("subscribe", payload)

    async def call(self, event: str, *payload: Any) -> dict[str, Any]:
        """Emit and wait for the acknowledgement."""
        data = payload[0] if len(payload) == 1 else payload or None
        answer: dict[str, Any] = await self.client.call(event, data, timeout=WAIT_SECONDS)
        return answer

    def received(self, name: str) -> list[Event]:
        """The events of a name that came so far."""
        return [event for event in self.events if event["type"] == name]

    def logged(self) -> list[Event]:
        """The events with a number that came so far."""
        return [event for event in self.events if "seq" in event]

    async def wait_for(self, name: str, count: int = 1) -> list[Event]:
        """Wait until so many events of a name have come."""
        await self.wait_until(lambda: len(self.received(name)) >= count)
        return self.received(name)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, which is looked at after each event."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            came = [(event["type"], event.get("seq")) for event in self.events]
            raise AssertionError(f"It did not come about in {WAIT_SECONDS} s. What came: {came}") from None

    def _keep(self, name: str, event: Event) -> None:
        assert event["type"] == name
        self.events.append(event)
        self._changed.set()

    def _changed_now(self, *_: object) -> None:
        self._changed.set()
