"""`python -m backend.local.chat`: talk to a project in the terminal, and see each step as it streams."""

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from backend.local.api_client import ApiClient, RefusedError
from backend.local.chat_view import ENDINGS, JsonView, TerminalView, TurnView
from backend.local.event_client import Event, EventClient

_HELP = "Type what you want changed, or a question. /code shows the code, /quit leaves, Ctrl-C cancels a turn."

_SAY_WHAT_IT_IS = "Say what it is to do, and it is created; or look with /code what the agents are called."


class Chat:
    """One conversation: sends prompts, and shows what comes of each."""

    def __init__(self, api: ApiClient, session: Event, open_view: Callable[[], TurnView]) -> None:
        self._api = api
        self._session = session
        self._open_view = open_view
        self._view: TurnView | None = None
        self._message_id = ""
        self._ended: asyncio.Future[str] | None = None

    def take(self, event: Event) -> None:
        """Take an event of the project; only those of the message that is waited for are shown."""
        ours = event.get("message_id") == self._message_id or event["type"] == "session_deleted"
        if self._view is None or not ours or event.get("session_id") != self._session["session_id"]:
            return
        self._view.show(event)
        if event["type"] in ENDINGS and self._ended is not None and not self._ended.done():
            self._ended.set_result(event["type"])

    def take_state(self, state: str) -> None:
        """Tell of a connection that was lost or is back."""
        if self._view is not None:
            self._view.say("connection lost, trying again" if state == "disconnected" else "connected")

    async def ask(self, prompt: str) -> bool:
        """Send a prompt and show its turn to the end. Returns whether it was answered."""
        loop = asyncio.get_running_loop()
        self._message_id = str(uuid4())
        self._ended = loop.create_future()
        self._view = self._open_view()
        loop.add_signal_handler(signal.SIGINT, self._cancel)
        try:
            await self._api.send_message(self._session["session_id"], self._message_id, prompt)
            return await self._ended == "vibecode_response"
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            self._view.close()
            self._view = None

    def _cancel(self) -> None:
        if self._view is not None:
            self._view.say("cancelling")
        self._cancelling = asyncio.create_task(self._api.cancel_message(self._message_id))


async def choose_project(api: ApiClient, wanted: str | None, console: Console) -> Event:
    """The project that is named by id or name, else one that the person picks; a new one where there is none.

    Raises RefusedError.
    """
    projects = await api.list_projects()
    if wanted is not None:
        found = [project for project in projects if wanted in (project["project_id"], project["name"])]
        return found[0] if found else await api.create_project(wanted)
    if not projects or not sys.stdin.isatty():
        return projects[0] if projects else await api.create_project("My first project")
    for number, project in enumerate(projects[:9], 1):
        console.print(f"{number}  {project['name']}  (version {project['version']})")
    answer = await asyncio.to_thread(input, "Which one? A number, or the name of a new one: ")
    if answer.strip().isdigit() and 0 < int(answer) <= len(projects[:9]):
        return projects[int(answer) - 1]
    return await api.create_project(answer.strip() or "My project")


async def talk(api: ApiClient, chat: Chat, project: Event, console: Console) -> None:
    """Read prompts and answer them until the person leaves."""
    console.print(f"[bold]{project['name']}[/bold]  {_HELP}")
    while True:
        try:
            prompt = (await asyncio.to_thread(input, "\nyou> ")).strip()
        except EOFError:
            return
        if prompt == "/quit":
            return
        if prompt == "/code":
            code = (await api.get_project(project["project_id"]))["code"]
            console.print(Syntax(code, "python", line_numbers=True, background_color="default"))
        elif prompt:
            try:
                await chat.ask(prompt)
            except RefusedError as error:
                console.print(f"[red]{error.code}[/red]: {error}")


async def run(options: argparse.Namespace) -> bool:
    """Talk as the options say. Returns whether the last prompt was answered."""
    console = Console(stderr=options.json)
    open_view: Callable[[], TurnView] = JsonView if options.json else lambda: TerminalView(console)
    async with ApiClient(options.url, options.token) as api:
        project = await choose_project(api, options.project, console)
        session = await api.start_session(project["project_id"], options.node)
        if session["node_exists"] is False:
            console.print(Text(f"There is no agent '{session['node_id']}' in the code yet. {_SAY_WHAT_IT_IS}"))
        chat = Chat(api, session, open_view)
        async with EventClient(options.url, options.token, chat.take, chat.take_state) as events:
            await events.follow(project["project_id"])
            if options.prompt:
                return await chat.ask(" ".join(options.prompt))
            await talk(api, chat, project, console)
    return True


def main() -> None:
    """Parse the command line, and say in one line what went wrong."""
    parser = argparse.ArgumentParser(prog="chat", description=__doc__)
    parser.add_argument("prompt", nargs="*", help="one prompt; without it you are asked")
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    parser.add_argument("--token", help="a bearer token, where the server asks for one")
    parser.add_argument("--project", help="a project's id or name; a new name creates one")
    parser.add_argument("--node", help="talk about this node only")
    parser.add_argument("--json", action="store_true", help="every event as one line of JSON, for scripts")
    options = parser.parse_args()
    sys.exit(_run_to_exit_code(run(options), options.url))


def _run_to_exit_code(work: Coroutine[Any, Any, bool], url: str) -> int | str:
    try:
        return 0 if asyncio.run(work) else 1
    except RefusedError as error:
        return f"{error.code}: {error}"
    except ConnectionError as error:
        return f"Nobody answers at {url} ({error}). Start Vibewire with `make run`."
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    main()
