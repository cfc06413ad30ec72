"""Many watchers of one room, in a process of their own.

It reads commands as lines of JSON: {"url": ..., "project_id": ..., "watchers": n} lets so many in, {} asks what they
heard; each is answered with {"answers": [n, ...]}, for each watcher how many turns it has seen end.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import socketio

_WAIT_SECONDS = 30.0


class Crowd:
    """Socket.IO clients that count what they hear."""

    def __init__(self) -> None:
        self._clients: list[socketio.AsyncClient] = []
        self._answers: Counter[int] = Counter()

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Let watchers in, where the command asks for some, and count."""
        for number in range(command.get("watchers", 0)):
            await self._let_in(number, command["url"], command["project_id"])
        return {"answers": [self._answers[number] for number in range(len(self._clients))]}

    async def close(self) -> None:
        """Send everybody home."""
        await asyncio.gather(*(client.disconnect() for client in self._clients))

    async def _let_in(self, number: int, url: str, project_id: str) -> None:
        client = socketio.AsyncClient(reconnection=False)
        client.on("vibecode_response", lambda _: self._answers.update([number]))
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
