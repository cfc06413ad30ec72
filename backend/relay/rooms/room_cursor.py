"""The order of one room: every logged event is emitted once, in order, whatever the bus loses, duplicates or reorders.

One lock covers all sessions of the room, because a client joins it for all of them in one step: the replay and what
is emitted after it must meet without a gap in every session.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping

from backend.relay.rooms.event_cache import EventCache
from backend.relay.rooms.replay import Replay
from backend.relay.rooms.session_cursor import SessionCursor
from backend.relay.rooms.subscriber import Subscriber, SubscribeResult
from shared.event_log import EventLogReader
from shared.events import Event, LoggedBase, LoggedEvent

# Emits an event to the room; done when it returns.
Emit = Callable[[Event], None]


class RoomCursor:
    """How much of each session of a project was emitted to the room.

    Args:
        project_id: the project.
        log: its log.
        emit: emits to the room.
        cache: keeps emitted events for later subscribers.
    """

    def __init__(self, project_id: str, log: EventLogReader, emit: Emit, cache: EventCache) -> None:
        self._project_id = project_id
        self._log = log
        self._emit_to_room = emit
        self._cache = cache
        self._lock = asyncio.Lock()
        self._sessions: dict[str, SessionCursor] | None = None
        # When each session was last compared with the log, in ticks of a logical clock.
        self._ticks = itertools.count(1)
        self._compared: dict[str, int] = {}

    def try_handle_now(self, event: Event) -> bool:
        """Handle an event if that needs no waiting. False: nothing was done, and `handle` must be called."""
        if self._sessions is None or self._lock.locked():
            return False
        return self._emit_next(self._sessions, event) is None

    async def handle(self, event: Event) -> None:
        """Emit an event of the bus, after backfilling what is missing before it in its session."""
        async with self._lock:
            behind = self._emit_next(await self._open(), event)
            if behind is not None:
                await self._backfill(behind)

    async def reconcile(self) -> int:
        """Compare with the log and backfill. Returns how many sessions had gaps."""
        last_seqs = await self._log.read_last_seqs(self._project_id)
        async with self._lock:
            sessions = await self._open()
            behind = [name for name, seq in last_seqs.items() if name not in sessions or seq > sessions[name].seq]
            deleted = [name for name, session in sessions.items() if name not in last_seqs and not session.deleted]
            for session_id in behind + deleted:
                await self._backfill(session_id)
            return len(behind) + len(deleted)

    async def subscribe(self, subscriber: Subscriber, after: Mapping[str, int]) -> SubscribeResult:
        """Replay what the client missed, then join it to the room, without a gap in between.

        Args:
            subscriber: the client.
            after: by session, the number of the last event that the client has.
        """
        began = next(self._ticks)
        replay = Replay(self._log, self._project_id, subscriber)
        reached = await replay.catch_up(after)
        async with self._lock:
            sessions = await self._open()
            for session_id, seq in reached.items():
                await self._bring_up_to_date(session_id, seq, began)
                await self._send_rest(replay, subscriber, session_id, seq)
            await subscriber.join_room()
            last_seq = {name: session.seq for name, session in sessions.items() if not session.deleted}
        return SubscribeResult(last_seq, replay.truncated, replay.deleted)

    async def _open(self) -> dict[str, SessionCursor]:
        """The sessions, which begin at the log's end when the room is opened."""
        if self._sessions is None:
            began = next(self._ticks)
            last_seqs = await self._log.read_last_seqs(self._project_id)
            self._compared = dict.fromkeys(last_seqs, began)
            self._sessions = {name: SessionCursor(seq) for name, seq in last_seqs.items()}
        return self._sessions

    async def _session(self, session_id: str) -> SessionCursor:
        return (await self._open()).setdefault(session_id, SessionCursor())

    def _emit_next(self, sessions: dict[str, SessionCursor], event: Event) -> str | None:
        """Emit the event unless it is stale. Returns its session if others are missing before it."""
        if event.type == "code_changed":
            self._emit_to_room(event)
            return None
        session = sessions.get(event.session_id)
        if session is None:
            session = sessions[event.session_id] = SessionCursor()
        if not isinstance(event, LoggedBase):
            if not session.is_stale(event):
                self._emit_to_room(event)
        elif event.seq > session.seq:
            if event.seq > session.seq + 1 or session.deleted:
                return event.session_id
            self._emit(session, event)
        return None

    async def _bring_up_to_date(self, session_id: str, seq: int, began: int) -> None:
        """Backfill the session, unless that was done after `began` and the room has all up to `seq`."""
        is_current = self._compared.get(session_id, 0) > began
        if not is_current or (await self._session(session_id)).seq < seq:
            await self._backfill(session_id)

    async def _send_rest(self, replay: Replay, subscriber: Subscriber, session_id: str, after: int) -> None:
        """Send what was logged since the replay's last page, and nothing that the room was not sent yet.

        These are few events, so the room can wait for them.
        """
        session = await self._session(session_id)
        emitted = session.seq
        if not session.deleted:
            for event in self._cache.after(session_id, after, emitted - after, up_to=emitted):
                await subscriber.send(event)
                after = event.seq
        await replay.send_rest(session_id, after, emitted)

    async def _backfill(self, session_id: str) -> None:
        began = next(self._ticks)
        session = await self._session(session_id)
        while not session.deleted:
            page = await self._log.read_events(self._project_id, session_id, session.seq)
            if page is None:
                return  # not a session of this project, or erased
            for event in page.events:
                self._emit(session, event)
            if page.deleted:
                session.deleted = True
                self._cache.remove_session(session_id)
            elif not page.has_more:
                session.seq = page.last_seq
                break
        self._compared[session_id] = began

    def _emit(self, session: SessionCursor, event: LoggedEvent) -> None:
        self._cache.add(event)  # first: this encodes it, once for the room and for later subscribers
        self._emit_to_room(event)
        session.advance(event)
        if session.deleted:
            self._cache.remove_session(event.session_id)
