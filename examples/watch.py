"""Prints the events of a project as they happen: URL=http://127.0.0.1:8765 python watch.py PROJECT [SESSION ...]

Needs `pip install "python-socketio[asyncio-client]"`. A session that is named is replayed from its first event.
"""

import asyncio
import os
import sys

import socketio


async def main() -> None:
    """Subscribe, and print until the connection is closed."""
    project, *sessions = sys.argv[1:]
    client = socketio.AsyncClient()
    client.on("*", print)
    client.on("connect_error", lambda error: print(f"No connection to {os.environ['URL']}: {error}"))
    await client.connect(os.environ["URL"], transports=["websocket"], auth={"token": None}, retry=True)
    print(await client.call("subscribe", {"project_id": project, "after": dict.fromkeys(sessions, 0)}))
    await client.wait()


asyncio.run(main())
