"""A client that keeps the last number of each session, and subscribes with it wherever it reconnects."""

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
    """A client that reconnects to another relay whenever it is disconnected. `raw` holds all events, by connection.

    Args:
        token: its identity.
        sessions: the project of each session that it subscribes to.
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
            received: list[Event] = []
            self.raw.append(received)
            client = socketio.AsyncClient(reconnection=False)
            closed = asyncio.Event()
            client.on("*", lambda _name, event, received=received: self._keep(received, event))
            client.on("disconnect", lambda *_, closed=closed: closed.set())
            try:
                await client.connect(self._choose(), auth={"token": self._token}, **_CONNECT)
                await self._subscribe(client, closed)
                await closed.wait()
            except socketio.exceptions.ConnectionError:
                continue  # its relay was killed during the subscription: try the next one
            finally:
                await client.disconnect()
                await client.shutdown()

    def logged(self) -> dict[str, list[Event]]:
        """The logged events of each session, in the order of their arrival."""
        by_session: dict[str, list[Event]] = {session_id: [] for session_id in self._sessions}
        for event in self._all():
            if "seq" in event:
                by_session[event["session_id"]].append(event)
        return by_session

    def has_all(self, last_seqs: dict[str, int]) -> bool:
        """Whether it has received these numbers of all its sessions."""
        return all(seq >= last_seqs[session_id] for session_id, seq in self._last_seqs.items())

    def duplicated(self) -> list[str]:
        """Events that one relay sent twice, and logged ones that any two relays sent."""
        one_relay = (key for received in self.raw for key in _more_than_once(event["event_id"] for event in received))
        any_relay = _more_than_once(event["event_id"] for event in self._all() if "seq" in event)
        return [*one_relay, *any_relay]

    async def _subscribe(self, client: socketio.AsyncClient, closed: asyncio.Event) -> None:
        closing = asyncio.create_task(closed.wait())
        try:
            for project_id in dict.fromkeys(self._sessions.values()):
                mine = [name for name, project in self._sessions.items() if project == project_id]
                payload = {"project_id": project_id, "after": {name: self._last_seqs[name] for name in mine}}
                calling = asyncio.create_task(client.call("subscribe", payload, timeout=_CALL_SECONDS))
                await asyncio.wait((calling, closing), return_when=asyncio.FIRST_COMPLETED)
                if not calling.done():  # python-socketio would wait for the answer of a killed relay
                    calling.cancel()
                    return
                answer = calling.result()
                assert answer["ok"], answer
                self.truncated += answer["truncated"] + answer["deleted"]
        finally:
            closing.cancel()

    def _keep(self, received: list[Event], event: Event) -> None:
        received.append(event)
        if "seq" in event:
            self._last_seqs[event["session_id"]] = event["seq"]

    def _all(self) -> Iterable[Event]:
        return (event for received in self.raw for event in received)


def _more_than_once(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
