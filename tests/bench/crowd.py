"""Many watchers of one room, in a process of their own.

It reads commands as lines of JSON: {"url": ..., "project_id": ..., "watchers": n} subscribes that many, {"turns": n}
waits for that many turns; each is answered with {"answers": [n, ...]}, for each watcher the turns it saw end.
"""

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import socketio

_WAIT_SECONDS = 30.0
_LATE_SECONDS = 5.0


class Crowd:
    """Socket.IO clients that count the answers that they receive."""

    def __init__(self) -> None:
        self._clients: list[socketio.AsyncClient] = []
        self._answers: Counter[int] = Counter()
        self._received = asyncio.Event()

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Subscribe watchers, if the command asks for some; wait for the answers, with a deadline; and count."""
        for number in range(command.get("watchers", 0)):
            await self._subscribe(number, command["url"], command["project_id"])
        with suppress(TimeoutError):
            async with asyncio.timeout(_LATE_SECONDS):
                await self._wait_for(command.get("turns", 0) * len(self._clients))
        return {"answers": [self._answers[number] for number in range(len(self._clients))]}

    async def close(self) -> None:
        """Disconnect all watchers."""
        await asyncio.gather(*(client.disconnect() for client in self._clients))

    async def _wait_for(self, answers: int) -> None:
        while self._answers.total() < answers:
            self._received.clear()
            await self._received.wait()

    def _on_response(self, number: int) -> None:
        self._answers[number] += 1
        self._received.set()

    async def _subscribe(self, number: int, url: str, project_id: str) -> None:
        client = socketio.AsyncClient(reconnection=False)
        client.on("vibecode_response", lambda _: self._on_response(number))
        self._clients.append(client)
        await client.connect(url, transports=["websocket"])
        answer = await client.call("subscribe", {"project_id": project_id}, timeout=_WAIT_SECONDS)
        if not answer["ok"]:
            raise RuntimeError(f"The subscription was refused: {answer}")


async def main() -> None:
    """Obey until the input ends."""
    crowd = Crowd()
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await crowd.obey(json.loads(line))), flush=True)
    await crowd.close()


if __name__ == "__main__":
    asyncio.run(main())
