"""`make watch`: prints every event of every project that the local user can see, as it happens."""

import argparse
import asyncio
import json
import sys
import urllib.request
from datetime import datetime
from typing import Any

import aiohttp
import socketio

_EVENTS = (
    "message_queued",
    "message_started",
    "text_delta",
    "token_usage",
    "agent_iteration",
    "vibecode_response",
    "message_failed",
    "message_cancelled",
    "code_changed",
    "session_deleted",
)
_LOOK_FOR_PROJECTS_SECONDS = 1.0


def _list_projects(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/projects?limit=200") as answer:  # noqa: S310 - the address is the user's own
        projects: list[dict[str, Any]] = json.load(answer)["projects"]
        return projects


def _line(name: str, event: dict[str, Any]) -> str:
    at = datetime.fromisoformat(event["created_at"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    hidden = {"type", "event_id", "project_id", "session_id", "message_id", "created_at", "seq", "href"}
    payload = {key: value for key, value in event.items() if key not in hidden and value is not None}
    # Texts of several lines, patches above all, are shown as they are.
    texts = [str(payload.pop(key)) for key in ("patch", "patch_preview") if key in payload]
    head = f"{at}  seq {event.get('seq', '-'):>3}  {name:<18} {json.dumps(payload, ensure_ascii=False)}"
    return "\n".join([head, *(f"      | {line}" for text in texts for line in text.splitlines())])


async def watch(url: str) -> None:
    """Subscribe to all projects, new ones too, and print until interrupted. Raises ConnectionError: nobody listens."""
    async with aiohttp.ClientSession() as http:
        await _watch(socketio.AsyncClient(http_session=http), url)


async def _watch(client: socketio.AsyncClient, url: str) -> None:
    # The newest event seen of each session: what a client hands in to miss nothing after a lost connection.
    last_seq: dict[str, dict[str, int]] = {}

    def show(name: str, event: dict[str, Any]) -> None:
        if "seq" in event:
            last_seq.setdefault(event["project_id"], {})[event["session_id"]] = event["seq"]
        print(_line(name, event), flush=True)

    for name in _EVENTS:
        client.on(name, lambda event, name=name: show(name, event))
    subscribed: set[str] = set()
    client.on("disconnect", subscribed.clear)
    await client.connect(url, transports=["websocket"])
    print(f"Watching {url}. Ctrl-C stops.", flush=True)
    while True:
        for project in await asyncio.to_thread(_list_projects, url) if client.connected else []:
            project_id = project["project_id"]
            if project_id not in subscribed:
                subscribed.add(project_id)
                after = last_seq.get(project_id, {})
                await client.call("subscribe", {"project_id": project_id, "after": after})
        await asyncio.sleep(_LOOK_FOR_PROJECTS_SECONDS)


def main() -> None:
    """Watch, or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    url = parser.parse_args().url
    try:
        asyncio.run(watch(url))
    except (OSError, socketio.exceptions.ConnectionError):
        sys.exit(f"Nobody listens at {url}: start Vibewire with `make run`.")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
