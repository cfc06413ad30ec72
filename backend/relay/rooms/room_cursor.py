"""The order of one room: every logged event goes out once, in order, whatever the bus loses, doubles or swaps.

There is one lock for the room, since a client joins the room as a whole: what it is sent before and what it hears after
must meet without a gap for all sessions at once.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.session_cursor import SessionCursor
from shared.event_log import EventLogReader
from shared.events import Event, LoggedBase, LoggedEvent

# Tells the room: done when it returns.
Emit = Callable[[Event], None]
# Sends to one client.
Send = Callable[[Event], Awaitable[None]]

# So few events may be left when the room waits for a newcomer.
_SHORT_WAY = 50
# Sessions that the project does not have, or no longer: for so many a subscriber learns whether they were deleted.
_MOST_UNKNOWN = 20
_OWN_RECENT_BYTES = 1_000_000
_OWN_RECENT_SECONDS = 60.0


async def at_once() -> None:
    """For newcomers that can be sent anything at any time."""


@dataclass(frozen=True, slots=True)
class SubscribeResult:
    """How a newcomer stands: what it has been sent (or can ask for) of each session, and what was not to be had."""

    last_seq: dict[str, int]
    truncated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


class RoomCursor:
    """How far each session of a project has been told to the room.

    Args:
        project_id: the project.
        log: its log.
        emit: tells the room.
        recent: where what was told is kept for those who come next.
    """

    def __init__(self, project_id: str, log: EventLogReader, emit: Emit, cache: EventCache | None = None) -> None:
        self._project_id = project_id
        self._log = log
        self._emit_to_room = emit
        self._cache = EventCache(_OWN_RECENT_BYTES, _OWN_RECENT_SECONDS) if cache is None else cache
        self._lock = asyncio.Lock()
        self._sessions: dict[str, SessionCursor] | None = None
        # When each session was last compared with the log, in ticks of a clock that only orders.
        self._ticks = itertools.count(1)
        self._compared: dict[str, int] = {}

    def try_handle_now(self, event: Event) -> bool:
        """Hear an event if that needs no waiting. False: nothing was done, and it must be given to `hear`."""
        if self._sessions is None or self._lock.locked():
            return False
        return self._pass_on(self._sessions, event) is None

    async def hear(self, event: Event) -> None:
        """Pass on an event of the bus, and first whatever of its session is missing before it."""
        async with self._lock:
            behind = self._pass_on(await self._opened(), event)
            if behind is not None:
                await self._fill(behind)

    async def fill(self) -> int:
        """Compare with the log and pass on what is missing. Returns how many sessions had holes."""
        last_seqs = await self._log.read_last_seqs(self._project_id)
        async with self._lock:
            sessions = await self._opened()
            behind = [name for name, seq in last_seqs.items() if name not in sessions or seq > sessions[name].seq]
            gone = [name for name, session in sessions.items() if name not in last_seqs and not session.deleted]
            for session_id in behind + gone:
                await self._fill(session_id)
            return len(behind) + len(gone)

    async def admit(
        self,
        after: Mapping[str, int],
        send: Send,
        join: Callable[[], Awaitable[None]],
        until_taken: Callable[[], Awaitable[None]] = at_once,
    ) -> SubscribeResult:
        """Let a newcomer in: replay what it asks for, then join it where the replay meets the room.

        Args:
            after: by session, the number of the newest event that the newcomer has.
            send: sends an event to the newcomer alone.
            join: makes it hear the room.
            until_taken: waits until the newcomer has taken most of what it was sent. Not called while the room waits.
        """
        admission = SubscribeResult({})
        asked = next(self._ticks)
        reached: dict[str, int] = {}
        for session_id, seq in (await self._readable(after, admission)).items():
            last = await self._catch_up(session_id, seq, send, until_taken, admission)
            if last is not None:
                reached[session_id] = last
        async with self._lock:
            await self._opened()
            for session_id, seq in reached.items():
                # Another newcomer may have had this done meanwhile. But the room must not be behind what this one read.
                is_current = self._compared.get(session_id, 0) > asked
                if not is_current or (await self._session(session_id)).seq < seq:
                    await self._fill(session_id)
                # What came up since the replay's last page: a short way, so the room may wait for it. Not beyond what
                # the room was told, since the newcomer is about to hear all that follows.
                await self._send_rest(session_id, seq, send, admission)
            await join()
            sessions = await self._opened()
            admission.last_seq.update({name: one.seq for name, one in sessions.items() if not one.deleted})
        return admission

    async def _readable(self, after: Mapping[str, int], admission: SubscribeResult) -> Mapping[str, int]:
        """Those sessions that are the project's, and a few of the others; the rest is truncated.

        A session that is not there costs a read all the same, since it may have been deleted.
        """
        if len(after) <= _MOST_UNKNOWN:
            return after
        known = await self._log.read_last_seqs(self._project_id)
        unknown = [session_id for session_id in after if session_id not in known]
        given_up = frozenset(unknown[_MOST_UNKNOWN:])
        admission.truncated.extend(unknown[_MOST_UNKNOWN:])
        return {session_id: seq for session_id, seq in after.items() if session_id not in given_up}

    async def _opened(self) -> dict[str, SessionCursor]:
        if self._sessions is None:
            began = next(self._ticks)
            last_seqs = await self._log.read_last_seqs(self._project_id)
            self._compared = dict.fromkeys(last_seqs, began)
            self._sessions = {name: SessionCursor(seq) for name, seq in last_seqs.items()}
        return self._sessions

    def _pass_on(self, sessions: dict[str, SessionCursor], event: Event) -> str | None:
        """Tell the room, unless the event comes too late. Returns its session where others are missing before it."""
        if event.type == "code_changed":
            self._emit_to_room(event)
            return None
        session = sessions.get(event.session_id)
        if session is None:
            session = sessions[event.session_id] = SessionCursor()
        if not isinstance(event, LoggedBase):
            if not session.is_over(event):
                self._emit_to_room(event)
        elif event.seq > session.seq:
            if event.seq > session.seq + 1 or session.deleted:
                return event.session_id
            self._emit(session, event)
        return None

    async def _session(self, session_id: str) -> SessionCursor:
        return (await self._opened()).setdefault(session_id, SessionCursor())

    async def _catch_up(
        self,
        session_id: str,
        after: int,
        send: Send,
        until_taken: Callable[[], Awaitable[None]],
        admission: SubscribeResult,
    ) -> int | None:
        """Replay until little can be left. Returns the last number, None where the session cannot be replayed."""

        async def send_slowly(event: Event) -> None:
            await until_taken()
            await send(event)

        while True:
            last = await self._replay(session_id, after, send_slowly, admission)
            if last is None or last - after < _SHORT_WAY:
                return last
            after = last

    async def _send_rest(self, session_id: str, after: int, send: Send, admission: SubscribeResult) -> None:
        session = await self._session(session_id)
        told = session.seq
        if not session.deleted:
            for event in self._cache.after(session_id, after, told - after, up_to=told):
                await send(event)
                after = event.seq
        await self._replay(session_id, after, send, admission, up_to=told)

    async def _replay(
        self, session_id: str, after: int, send: Send, admission: SubscribeResult, up_to: int | None = None
    ) -> int | None:
        while up_to is None or after < up_to:
            page = await self._log.read_events(self._project_id, session_id, after)
            if page is None or page.deleted:
                _note(admission.truncated if page is None else admission.deleted, session_id)
                return None
            if page.truncated or after > page.last_seq:
                _note(admission.truncated, session_id)
            for event in page.events:
                if up_to is None or event.seq <= up_to:
                    await send(event)
            if not page.has_more:
                return page.last_seq
            after = page.events[-1].seq
        return up_to

    async def _fill(self, session_id: str) -> None:
        began = next(self._ticks)
        session = await self._session(session_id)
        while not session.deleted:
            page = await self._log.read_events(self._project_id, session_id, session.seq)
            if page is None:
                return  # no session of this project, or no longer any trace of it
            for event in page.events:
                self._emit(session, event)
            if page.deleted:
                session.deleted = True
                self._cache.forget(session_id)
            elif not page.has_more:
                session.seq = page.last_seq
                break
        self._compared[session_id] = began

    def _emit(self, session: SessionCursor, event: LoggedEvent) -> None:
        self._cache.add(event)  # first: it is encoded here, once for the room and for those who come later
        self._emit_to_room(event)
        session.advance(event)
        if session.deleted:
            self._cache.forget(event.session_id)


def _note(sessions: list[str], session_id: str) -> None:
    if session_id not in sessions:
        sessions.append(session_id)
