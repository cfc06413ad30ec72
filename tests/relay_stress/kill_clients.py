"""A front-end: it keeps the number of the newest event by session, and subscribes with it where it is let in next."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import socketio

Event = dict[str, Any]
# Long: the machine may be busy with the relays that start.
_CALL_SECONDS = 60.0
_CONNECT: dict[str, Any] = {"transports": ["websocket"], "wait_timeout": 20}


class RoamingClient:
    """A client that connects to another relay whenever it loses its own. `raw` is all that it was sent, by connection.

    Args:
        token: who it is.
        sessions: the project of each session that it hears.
        choose: the URL of a relay.
    """

    def __init__(self, token: str, sessions: dict[str, str], choose: Callable[[], str]) -> None:
        self.raw: list[list[Event]] = []
        self.truncated: list[str] = []
        self._last_seqs = dict.fromkeys(sessions, 0)
        self._sessions = sessions
        self._token = token
        self._choose = choose

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            heard: list[Event] = []
            self.raw.append(heard)
            client = socketio.AsyncClient(reconnection=False)
            lost = asyncio.Event()
            client.on("*", lambda _name, event, heard=heard: self._keep(heard, event))
            client.on("disconnect", lambda *_, lost=lost: lost.set())
            try:
                await client.connect(self._choose(), auth={"token": self._token}, **_CONNECT)
                await self._subscribe(client, lost)
                await lost.wait()
            except socketio.exceptions.ConnectionError:
                continue  # its relay was killed while it was let in: the next one
            finally:
                await client.disconnect()
                await client.shutdown()

    def logged(self) -> dict[str, list[Event]]:
        """The events with a number of each session, as they came."""
        by_session: dict[str, list[Event]] = {session_id: [] for session_id in self._sessions}
        for event in self._all():
            if "seq" in event:
                by_session[event["session_id"]].append(event)
        return by_session

    def has_all(self, last_seqs: dict[str, int]) -> bool:
        """Whether it has come as far as this in every session that it hears."""
        return all(seq >= last_seqs[session_id] for session_id, seq in self._last_seqs.items())

    def doubled(self) -> list[str]:
        """Events that one relay sent it twice, and numbered ones that came twice from anywhere."""
        one_relay = (key for heard in self.raw for key in _more_than_once(event["event_id"] for event in heard))
        any_relay = _more_than_once(event["event_id"] for event in self._all() if "seq" in event)
        return [*one_relay, *any_relay]

    async def _subscribe(self, client: socketio.AsyncClient, lost: asyncio.Event) -> None:
        losing = asyncio.create_task(lost.wait())
        try:
            for project_id in dict.fromkeys(self._sessions.values()):
                mine = [name for name, project in self._sessions.items() if project == project_id]
                payload = {"project_id": project_id, "after": {name: self._last_seqs[name] for name in mine}}
                asking = asyncio.create_task(client.call("subscribe", payload, timeout=_CALL_SECONDS))
                await asyncio.wait((asking, losing), return_when=asyncio.FIRST_COMPLETED)
                if not asking.done():  # python-socketio waits on for the answer of a relay that is gone
                    asking.cancel()
                    return
                answer = asking.result()
                assert answer["ok"], answer
                self.truncated += answer["truncated"] + answer["deleted"]
        finally:
            losing.cancel()

    def _keep(self, heard: list[Event], event: Event) -> None:
        heard.append(event)
        if "seq" in event:
            self._last_seqs[event["session_id"]] = event["seq"]

    def _all(self) -> Iterable[Event]:
        return (event for heard in self.raw for event in heard)


def _more_than_once(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
