"""Receives every event of a project: subscribes, keeps cursors, reconnects, replays."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
import socketio

from shared.events import EVENT_TYPES

Event = dict[str, Any]

EVENT_NAMES = (*EVENT_TYPES, "access_lost")

# The relay replays at most so many sessions of a project in one request.
_MAX_AFTER = 200
_RETRY_SECONDS = 1.0
# Refusals that may be none the next time.
_PASSING = ("internal_error", "storage_unavailable")


class EventClient:
    """A Socket.IO client of the relay; use it in an `async with` block.

    Every logged event reaches `on_event` once and in order, also over lost connections: the newest number of each
    session is handed in as `after` when the client returns. `on_state` is called with "connected" and "disconnected".
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        on_event: Callable[[Event], None],
        on_state: Callable[[str], None] = lambda _state: None,
    ) -> None:
        self._url = url
        self._token = token
        self._on_event = on_event
        self._on_state = on_state
        # By project and session: the number of the newest event that is here.
        self._last_seq: dict[str, dict[str, int]] = {}

    async def __aenter__(self) -> Self:
        """Connect. Raises ConnectionError where no server listens, or the token is refused."""
        self._http = aiohttp.ClientSession()
        # Its own handler of Ctrl-C would cancel all tasks, those that close things in order among them.
        self._client = socketio.AsyncClient(handle_sigint=False, http_session=self._http, reconnection_delay_max=5)
        for name in EVENT_NAMES:
            self._client.on(name, lambda event, name=name: self._take({"type": name, **event}))
        self._client.on("connect", self._subscribe_again)
        self._client.on("disconnect", lambda *_reason: self._on_state("disconnected"))
        try:
            await self._client.connect(self._url, auth={"token": self._token}, transports=["websocket"])
        except asyncio.CancelledError:
            await self._http.close()
            raise
        except socketio.exceptions.ConnectionError as error:
            await self._http.close()
            raise ConnectionError(str(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Disconnect for good."""
        await self._client.shutdown()
        await self._http.close()

    async def follow(self, project_id: str, after: dict[str, int] | None = None) -> Event:
        """Subscribe to a project, from the given numbers on. Returns the acknowledgement. Safe to repeat."""
        self._last_seq.setdefault(project_id, {}).update(after or {})
        return await self._subscribe(project_id)

    async def _subscribe_again(self) -> None:
        for project_id in list(self._last_seq):
            await self._subscribe(project_id)
        self._on_state("connected")

    async def _subscribe(self, project_id: str) -> Event:
        seqs = self._last_seq[project_id]
        after = dict(list(seqs.items())[-_MAX_AFTER:])
        ack: Event = await self._client.call("subscribe", {"project_id": project_id, "after": after})
        while ack.get("code") in _PASSING:
            await asyncio.sleep(_RETRY_SECONDS)
            ack = await self._client.call("subscribe", {"project_id": project_id, "after": after})
        for session_id in ack.get("deleted", []):
            seqs.pop(session_id, None)
        truncated = ack.get("truncated", [])
        for session_id, seq in ack.get("last_seq", {}).items():
            # A log that begins anew counts from below: what comes next must not be taken for what is here already.
            seqs[session_id] = seq if session_id in truncated else max(seq, seqs.get(session_id, 0))
        return ack

    def _take(self, event: Event) -> None:
        seq = event.get("seq")
        if seq is not None:
            seqs = self._last_seq.setdefault(event["project_id"], {})
            if seq <= seqs.get(event["session_id"], 0):
                return
            seqs[event["session_id"]] = seq
        self._on_event(event)
