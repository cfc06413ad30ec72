"""Replay: sends a new subscriber the logged events that it missed, before it joins the room."""

from collections.abc import Awaitable, Callable, Mapping

from backend.relay.rooms.subscriber import Subscriber
from shared.event_log import EventLogReader
from shared.events import Event

# Once fewer events are missing, the rest is sent under the room's lock.
_MAX_REST_EVENTS = 50
# A session that the project does not have costs a read, since it may have been deleted: at most this many are read.
_MAX_UNKNOWN_SESSIONS = 20


class Replay:
    """The replay for one new subscriber.

    Attributes:
        truncated: sessions whose missing events are not, or no longer, available.
        deleted: sessions that were deleted.
    """

    def __init__(self, log: EventLogReader, project_id: str, subscriber: Subscriber) -> None:
        self.truncated: list[str] = []
        self.deleted: list[str] = []
        self._log = log
        self._project_id = project_id
        self._subscriber = subscriber

    async def catch_up(self, after: Mapping[str, int]) -> dict[str, int]:
        """Send nearly all that is missing, no faster than the client reads; runs without the room's lock.

        Args:
            after: by session, the number of the last event that the client has.

        Returns:
            By session, the last number that was read; without sessions that cannot be replayed.
        """
        reached: dict[str, int] = {}
        for session_id, seq in (await self._known_sessions(after)).items():
            last = await self._catch_up_session(session_id, seq)
            if last is not None:
                reached[session_id] = last
        return reached

    async def send_rest(self, session_id: str, after: int, up_to: int) -> None:
        """Send what follows `after`, up to what the room was sent; does not wait for the client."""
        await self._send_pages(session_id, after, self._subscriber.send, up_to)

    async def _known_sessions(self, after: Mapping[str, int]) -> Mapping[str, int]:
        if len(after) <= _MAX_UNKNOWN_SESSIONS:
            return after
        known = await self._log.read_last_seqs(self._project_id)
        unknown = [session_id for session_id in after if session_id not in known]
        skipped = frozenset(unknown[_MAX_UNKNOWN_SESSIONS:])
        self.truncated.extend(unknown[_MAX_UNKNOWN_SESSIONS:])
        return {session_id: seq for session_id, seq in after.items() if session_id not in skipped}

    async def _catch_up_session(self, session_id: str, after: int) -> int | None:
        while True:
            last = await self._send_pages(session_id, after, self._send_paced)
            if last is None or last - after < _MAX_REST_EVENTS:
                return last
            after = last

    async def _send_paced(self, event: Event) -> None:
        await self._subscriber.wait_for_capacity()
        await self._subscriber.send(event)

    async def _send_pages(
        self, session_id: str, after: int, send: Callable[[Event], Awaitable[None]], up_to: int | None = None
    ) -> int | None:
        while up_to is None or after < up_to:
            page = await self._log.read_events(self._project_id, session_id, after)
            if page is None or page.deleted:
                _add_once(self.truncated if page is None else self.deleted, session_id)
                return None
            if page.truncated or after > page.last_seq:
                _add_once(self.truncated, session_id)
            for event in page.events:
                if up_to is None or event.seq <= up_to:
                    await send(event)
            if not page.has_more:
                return page.last_seq
            after = page.events[-1].seq
        return up_to


def _add_once(sessions: list[str], session_id: str) -> None:
    if session_id not in sessions:
        sessions.append(session_id)
