"""Well-behaved clients: each checks every event as it arrives, and keeps only the last numbers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio

from tests.relay.live_relay import PROJECT
from tests.relay_fuzz.relay_process import SESSIONS

# Long, for a busy machine.
WAIT_SECONDS = 60.0


class Listener:
    """A client that receives all sessions. `faults` lists all errors that it noticed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[str] = []
        self.last_seqs: dict[str, int] = {}
        self._client = socketio.AsyncClient(reconnection=False)
        self._changed = asyncio.Event()
        self._client.on("*", self._receive)
        self._client.on("disconnect", self._disconnect)

    async def subscribe(self, url: str, transports: list[str], after: dict[str, int] | None = None) -> None:
        """Connect and subscribe; the following events must continue `after`, or else `last_seq` of the answer."""
        await self._client.connect(url, transports=transports, wait_timeout=WAIT_SECONDS)
        self.last_seqs = dict(after or {})
        answer = await self._client.call(
            "subscribe", {"project_id": PROJECT, "after": after or {}}, timeout=WAIT_SECONDS
        )
        assert answer["ok"], answer
        for session_id, seq in answer["last_seq"].items():
            if self.last_seqs.setdefault(session_id, seq) < seq:
                self.faults.append(f"{session_id} is at {seq} but was replayed up to {self.last_seqs[session_id]}")

    async def close(self) -> None:
        """Disconnect properly."""
        self._client.on("disconnect", lambda *_: None)
        await self._client.disconnect()
        await self._client.shutdown()

    async def until_at(self, seq: int) -> None:
        """Wait until it has received this number in every session, or noticed a fault."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not self.faults and any(self.last_seqs[session_id] < seq for session_id in SESSIONS):
                self._changed.clear()
                await self._changed.wait()

    def _receive(self, _name: str, event: dict[str, Any]) -> None:
        session_id, seq = event["session_id"], event["seq"]
        known = self.last_seqs.get(session_id)
        if known is not None and seq != known + 1:
            self.faults.append(f"{session_id}: {seq} came after {known}")
        self.last_seqs[session_id] = seq
        self._changed.set()

    def _disconnect(self, *_: object) -> None:
        self.faults.append("it was disconnected")
        self._changed.set()


@asynccontextmanager
async def listeners(url: str) -> AsyncIterator[list[Listener]]:
    """Two of each kind of client."""
    kinds = (["websocket"], ["polling"], ["polling", "websocket"])
    made = [Listener(f"{'+'.join(kind)} {number}") for kind in kinds for number in range(2)]
    try:
        await asyncio.gather(*(one.subscribe(url, kinds[number // 2]) for number, one in enumerate(made)))
        yield made
    finally:
        await asyncio.gather(*(one.close() for one in made))
