"""Clients of python-socketio in this process. Their events are checked at the end, as in javascript_client.js."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.relay_stress.crowd import WAIT_SECONDS, WEBSOCKET, Ack, Crowd, Report
from tests.watcher import Event, Watcher

_LOOK_SECONDS = 0.005


class Connection:
    """One connection of a client: its subscription and its events."""

    def __init__(self, url: str, transports: tuple[str, ...], after: dict[str, int]) -> None:
        self.watcher = Watcher(url, transports=transports)
        self.began = transports[0]
        self.asked = after
        self.answer: Ack | None = None
        self.has_ended = False

    @property
    def last(self) -> dict[str, int]:
        """By session, the last number that it received."""
        start = self.asked if self.answer is None else self.answer["last_seq"] | self.asked
        return start | {event["session_id"]: event["seq"] for event in self.watcher.logged()}

    def mistakes(self) -> list[str]:
        """Missing, duplicated and reordered events."""
        found = _out_of_order(self.watcher.logged(), self.start_of_events())
        texts = [event["offset"] for event in self.watcher.received("text_delta")]
        found += [f"text {two} after {one}" for one, two in pairwise(texts) if two != one + 1]
        last = self.start_of_events()
        for event in self.watcher.events:
            if "seq" in event:
                last[event["session_id"]] = event["seq"]
            elif event["type"] == "text_delta" and int(event["text"]) > last.get(event["session_id"], 0):
                found.append(f"text {event['offset']} came before event {event['text']}")
            elif event.get("data", b"") != bytes([event.get("number", 0) % 256]) * len(event.get("data", b"")):
                found.append(f"bytes of {event['number']}")
        return found

    def start_of_events(self) -> dict[str, int]:
        """The numbers that the events must continue: those of `after`, or else of `last_seq`."""
        return ({} if self.answer is None else self.answer["last_seq"]) | self.asked


class PythonCrowd(Crowd):
    """Clients of python-socketio.

    Args:
        url: where the relay listens.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._clients: dict[str, list[Connection]] = defaultdict(list)
        self._given: dict[str, tuple[tuple[str, ...], str | None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._tasks)
        for connection in self._clients.values():
            await connection[-1].watcher.__aexit__()

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
        """See Crowd."""
        self._given[name] = (transports, project)
        self._tasks.append(asyncio.create_task(self._connect(name, after or {})))

    async def cut(self, name: str) -> None:
        """See Crowd. python-socketio always disconnects properly; it reconnects with its last numbers all the same."""
        await self.close(name)
        self._tasks.append(asyncio.create_task(self._connect(name, self._clients[name][-1].last)))

    async def close(self, name: str) -> None:
        """See Crowd."""
        self.received.pop(name, None)
        self._clients[name][-1].has_ended = True
        self.ended[name].append("client disconnect")
        await self._clients[name][-1].watcher.__aexit__()

    async def call(self, name: str, event: str, payload: Any) -> Ack:
        """See Crowd."""
        return await self._clients[name][-1].watcher.call(event, _with_bytes(payload))

    async def report(self) -> dict[str, Report]:
        """See Crowd."""
        return {name: self._report_of(name) for name in self._clients}

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """See Crowd."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    self._look()
                    if condition():
                        return
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise AssertionError(f"Not within {WAIT_SECONDS} s: {what}. Received: {self.received}") from None

    async def _connect(self, name: str, after: dict[str, int]) -> None:
        transports, project = self._given[name]
        connection = Connection(self._url, transports, after)
        self._clients[name].append(connection)
        await connection.watcher.__aenter__()
        if project is not None:
            connection.answer = await connection.watcher.subscribe(project, after or None)
            self.joined[name].append(connection.answer)

    def _look(self) -> None:
        """Update `received`; raises the error of a failed client."""
        for task in self._tasks:
            if task.done():
                task.result()
        current = {name: one[-1] for name, one in self._clients.items()}
        for name, one in current.items():
            if one.answer is not None and not one.watcher.client.connected and not one.has_ended:
                one.has_ended = True
                self.ended[name].append("server disconnect")
        subscribed = {
            name: one for name, one in current.items() if one.answer is not None and one.watcher.client.connected
        }
        self.received = {name: _last_of(one.watcher.events) or one.last for name, one in subscribed.items()}

    def _report_of(self, name: str) -> Report:
        connections = self._clients[name]
        all_events = [event for one in connections for event in one.watcher.events]
        return Report(
            events=sum("seq" in event for event in all_events),
            last=connections[-1].last,
            joins=len(self.joined[name]),
            began=[one.began for one in connections],
            ends=self.ended[name],
            kept=[[one["type"], one.get("seq", one.get("offset", one.get("number")))] for one in all_events],
            mistakes=[mistake for one in connections for mistake in one.mistakes()],
            truncated=[name for ack in self.joined[name] for name in ack.get("truncated", ())],
            transport=str(connections[-1].watcher.client.transport()),
        )


def _out_of_order(events: list[Event], last: dict[str, int]) -> list[str]:
    found = []
    for event in events:
        session_id, seq = event["session_id"], event["seq"]
        if seq != last.get(session_id, 0) + 1:
            found.append(f"{session_id}: {seq} after {last.get(session_id)}")
        if not (event.get("content") or f"{seq} ").startswith(f"{seq} "):
            found.append(f"{seq} says {event['content'][:20]}")
        last[session_id] = seq
    return found


def _last_of(events: list[Event]) -> dict[str, int] | None:
    for event in reversed(events):
        if "seq" in event:
            return {event["session_id"]: event["seq"]}
    return None


def _with_bytes(payload: Any) -> Any:
    if not isinstance(payload, dict):
        return payload
    if set(payload) == {"bytes"}:
        return bytes([1]) * payload["bytes"]
    return {name: _with_bytes(value) for name, value in payload.items()}
