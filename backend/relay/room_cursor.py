"""The order of one room: every logged event goes out once, in order, whatever the bus loses, doubles or swaps.

There is one lock for the room, since a client joins the room as a whole: what it is sent before and what it hears after
must meet without a gap for all sessions at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.event_log import EventLogReader
from shared.events import (
    Event,
    LoggedEvent,
    MessageCancelledEvent,
    MessageFailedEvent,
    MessageStartedEvent,
    SessionDeletedEvent,
    TextDeltaEvent,
    VibecodeResponseEvent,
)

Emit = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Admission:
    """How a newcomer stands: what it has been sent (or can ask for) of each session, and what was not to be had."""

    last_seq: dict[str, int]
    truncated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


class RoomCursor:
    """How far each session of a project has been told to the room."""

    def __init__(self, project_id: str, log: EventLogReader, emit: Emit) -> None:
        self._project_id = project_id
        self._log = log
        self._emit_to_room = emit
        self._lock = asyncio.Lock()
        self._cursors: dict[str, int] | None = None
        # Per session the newest message that is known to have begun or ended, its attempt, and whether it ended.
        self._newest: dict[str, tuple[str, int, bool]] = {}

    async def hear(self, event: Event) -> None:
        """Pass on an event of the bus, and first whatever of its session is missing before it."""
        async with self._lock:
            cursors = await self._opened()
            if not isinstance(event, LoggedEvent):
                if not self._is_over(event):
                    await self._emit_to_room(event)
            elif event.seq == cursors.get(event.session_id, 0) + 1:
                await self._tell(event)
            elif event.seq > cursors.get(event.session_id, 0):
                await self._fill(event.session_id)

    async def fill(self) -> int:
        """Compare with the log and pass on what is missing. Returns how many sessions had holes."""
        last_seqs = await self._log.read_last_seqs(self._project_id)
        async with self._lock:
            cursors = await self._opened()
            behind = [session for session, seq in last_seqs.items() if seq > cursors.get(session, 0)]
            gone = [session for session in cursors if session not in last_seqs]
            for session_id in behind + gone:
                await self._fill(session_id)
            return len(behind) + len(gone)

    async def admit(self, after: Mapping[str, int], send: Emit, join: Callable[[], Awaitable[None]]) -> Admission:
        """Let a newcomer in: replay what it asks for, then join it where the replay meets the room.

        Args:
            after: by session, the number of the newest event that the newcomer has.
            send: sends an event to the newcomer alone.
            join: makes it hear the room.
        """
        admission = Admission({})
        reached = {
            session_id: await self._replay(session_id, seq, send, admission) for session_id, seq in after.items()
        }
        async with self._lock:
            cursors = await self._opened()
            for session_id, seq in reached.items():
                if seq is None:
                    continue
                await self._fill(session_id)
                # What came up since the replay's last page; a short way, so the room may wait for it.
                await self._replay(session_id, seq, send, admission)
            await join()
            admission.last_seq.update(cursors)
        return admission

    async def _opened(self) -> dict[str, int]:
        if self._cursors is None:
            self._cursors = await self._log.read_last_seqs(self._project_id)
        return self._cursors

    async def _replay(self, session_id: str, after: int, send: Emit, admission: Admission) -> int | None:
        while True:
            page = await self._log.read_events(self._project_id, session_id, after)
            if page is None or page.deleted:
                _note(admission.truncated if page is None else admission.deleted, session_id)
                return None
            if page.truncated or after > page.last_seq:
                _note(admission.truncated, session_id)
            for event in page.events:
                await send(event)
            if not page.has_more:
                return page.last_seq
            after = page.events[-1].seq

    async def _fill(self, session_id: str) -> None:
        cursors = await self._opened()
        while True:
            page = await self._log.read_events(self._project_id, session_id, cursors.get(session_id, 0))
            if page is None:
                cursors.pop(session_id, None)
                return
            for event in page.events:
                await self._tell(event)
            if page.deleted:
                cursors.pop(session_id, None)
                return
            if not page.has_more:
                cursors[session_id] = page.last_seq
                return

    async def _tell(self, event: LoggedEvent) -> None:
        cursors = await self._opened()
        await self._emit_to_room(event)
        cursors[event.session_id] = event.seq
        if isinstance(event, SessionDeletedEvent):
            cursors.pop(event.session_id)
            self._newest.pop(event.session_id, None)
        elif isinstance(event, MessageStartedEvent):
            self._newest[event.session_id] = (event.message_id, event.attempt, False)
        elif isinstance(event, VibecodeResponseEvent | MessageFailedEvent | MessageCancelledEvent):
            self._newest[event.session_id] = (event.message_id, event.attempt, True)

    def _is_over(self, event: Event) -> bool:
        if not isinstance(event, TextDeltaEvent):
            return False
        message_id, attempt, ended = self._newest.get(event.session_id, ("", 0, False))
        return message_id == event.message_id and (ended or event.attempt < attempt)


def _note(sessions: list[str], session_id: str) -> None:
    if session_id not in sessions:
        sessions.append(session_id)
