"""`make watch`: prints every event of every project that the user can see, as it happens."""

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime

from backend.local.api_client import ApiClient
from backend.local.event_client import Event, EventClient

_LOOK_FOR_PROJECTS_SECONDS = 1.0
_HIDDEN = frozenset({"type", "event_id", "project_id", "session_id", "message_id", "created_at", "seq", "href"})


def _line(event: Event) -> str:
    created = event.get("created_at")
    moment = datetime.fromisoformat(created) if created else datetime.now(UTC)
    at = moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
    payload = {key: value for key, value in event.items() if key not in _HIDDEN and value is not None}
    # Texts of several lines, patches above all, are shown as they are.
    texts = [str(payload.pop(key)) for key in ("patch", "patch_preview") if key in payload]
    shown = json.dumps(payload, ensure_ascii=False)
    head = f"{at}  seq {event.get('seq', '-'):>3}  {event['type']:<18} {shown}"
    return "\n".join([head, *(f"      | {line}" for text in texts for line in text.splitlines())])


async def watch(url: str, token: str | None) -> None:
    """Follow all projects, new ones too, and print until interrupted. Raises ConnectionError: nobody listens."""
    known: set[str] = set()
    async with (
        ApiClient(url, token) as api,
        EventClient(url, token, lambda event: print(_line(event), flush=True)) as events,
    ):
        for project_id in await _list_new(api, known):
            await events.follow(project_id)
        print(f"Watching {url}. Ctrl-C stops.", flush=True)
        while True:
            await asyncio.sleep(_LOOK_FOR_PROJECTS_SECONDS)
            for project_id in await _list_new(api, known):
                # It began while this looked on: from its first event.
                sessions = await api.list_sessions(project_id)
                await events.follow(project_id, {session["session_id"]: 0 for session in sessions})


async def _list_new(api: ApiClient, known: set[str]) -> list[str]:
    found = [project["project_id"] for project in await api.list_projects()]
    new = [project_id for project_id in found if project_id not in known]
    known.update(new)
    return new


def main() -> None:
    """Watch, or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    parser.add_argument("--token", help="a bearer token, where the server asks for one")
    options = parser.parse_args()
    try:
        asyncio.run(watch(options.url, options.token))
    except ConnectionError:
        sys.exit(f"Nobody listens at {options.url}: start Vibewire with `make run`.")
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a watch ends


if __name__ == "__main__":
    main()
