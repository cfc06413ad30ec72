"""`make watch`: prints every event of every project that the user can see, as it happens."""

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import argparse
import asyncio
import json
import os
import sys
from datetime import UTC, datetime

from backend.local.api_client import ApiClient, RefusedError
from backend.local.event_client import Event, EventClient
from backend.local.screen import Screen, print_json_line
from backend.local.server_address import default_url
from backend.local.terminal_text import visible

_LOOK_FOR_PROJECTS_SECONDS = 1.0
_NAME_LETTERS = 20
_HIDDEN = frozenset({"type", "event_id", "project_id", "session_id", "message_id", "created_at", "seq", "href"})
# What a person looks for, before the edge of the screen.
_FIRST = ("prompt", "code", "detail", "approved", "content", "text", "total_tokens", "version")
_STYLES = {
    "vibecode_response": "green",
    "message_failed": "red",
    "message_cancelled": "yellow",
    "session_deleted": "yellow",
    "text_delta": "dim",
    "token_usage": "dim",
}


class EventPrinter:
    """Prints events: a line each for people, or as JSON for programs.

    Attributes:
        names: of the projects, by their ids.
    """

    def __init__(self, screen: Screen, *, as_json: bool) -> None:
        self.names: dict[str, str] = {}
        self._screen = screen
        self._as_json = as_json

    def say(self, words: str) -> None:
        """Print words for people, which programs do not read."""
        (Screen(errors=True) if self._as_json else self._screen).line(words)

    def print(self, event: Event) -> None:
        """Print an event."""
        if self._as_json:
            print_json_line(event)
            return
        created = event.get("created_at")
        moment = datetime.fromisoformat(created) if created else datetime.now(UTC)
        at = moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
        name = self.names.get(event["project_id"]) or str(event["project_id"])
        first = {key: event[key] for key in _FIRST if key in event}
        payload = {key: value for key, value in {**first, **event}.items() if key not in _HIDDEN and value is not None}
        self._screen.cropped_line(
            (f"{at}  seq {event.get('seq', '-'):>3}  ", "dim"),
            (f"{event['type']:<18}", _STYLES.get(event["type"], "cyan")),
            (f" {name[:_NAME_LETTERS]:<12} ", "bold"),
            (json.dumps(payload, ensure_ascii=False), ""),
        )


async def watch(url: str, token: str | None, printer: EventPrinter) -> None:
    """Follow all projects, new ones too, and print until interrupted.

    Raises ConnectionError (no server listens) and RefusedError.
    """
    async with ApiClient(url, token) as api:
        # Before the socket is opened: the API says in words why it refuses.
        project_ids = await _list_new(api, printer.names)
        async with EventClient(url, token, printer.print) as events:
            for project_id in project_ids:
                await events.follow(project_id)
            printer.say(f"Watching {url}. Ctrl-C stops.")
            while True:
                await asyncio.sleep(_LOOK_FOR_PROJECTS_SECONDS)
                for project_id in await _list_new(api, printer.names):
                    # It began while this looked on: from its first event.
                    sessions = await api.list_sessions(project_id)
                    await events.follow(project_id, {session["session_id"]: 0 for session in sessions})


async def _list_new(api: ApiClient, names: dict[str, str]) -> list[str]:
    found = {project["project_id"]: project["name"] for project in await api.list_projects()}
    new = [project_id for project_id in found if project_id not in names]
    names.update(found)
    return new


def main() -> None:
    """Watch, or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--url", default=default_url(os.environ), help="by default what VIBEWIRE_HOST and VIBEWIRE_PORT say"
    )
    parser.add_argument("--token", help="a bearer token, where the server asks for one")
    parser.add_argument("--json", action="store_true", help="every event as one line of JSON, with all that is in it")
    options = parser.parse_args()
    printer = EventPrinter(Screen(), as_json=options.json)
    try:
        asyncio.run(watch(options.url, options.token, printer))
    except ConnectionError:
        sys.exit(visible(f"No server listens at {options.url}: start Vibewire with `make run`."))
    except RefusedError as error:
        sys.exit(visible(error.line))
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a watch ends


if __name__ == "__main__":
    main()
