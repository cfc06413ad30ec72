"""`python -m backend.local.chat`: talk to a project in the terminal, and see each step as it streams."""

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from backend.local.api_client import ApiClient, RefusedError
from backend.local.chat_commands import Conversation
from backend.local.chat_project import UnknownProjectError, choose_project
from backend.local.chat_view import ENDINGS, JsonView, TerminalView, TurnView
from backend.local.event_client import Event, EventClient
from backend.local.keyboard import Keyboard
from backend.local.screen import Screen
from backend.local.server_address import default_url
from backend.local.terminal_text import visible

_SAY_WHAT_IT_IS = "Say what it is to do, and it is created; or look with /code what the agents are called."
_INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended


class Chat:
    """One conversation: sends prompts, and shows what comes of each."""

    def __init__(self, api: ApiClient, session: Event, keyboard: Keyboard, open_view: Callable[[], TurnView]) -> None:
        self._api = api
        self._session = session
        self._keyboard = keyboard
        self._open_view = open_view
        self._view: TurnView | None = None
        self._message_id = ""
        self._ended: asyncio.Future[str] | None = None
        self._cancelling: asyncio.Task[None] | None = None

    def take(self, event: Event) -> None:
        """Take an event of the project; only those of the message that is waited for are shown."""
        ours = event.get("message_id") == self._message_id or event["type"] == "session_deleted"
        if self._view is None or not ours or event.get("session_id") != self._session["session_id"]:
            return
        self._view.show(event)
        if event["type"] in ENDINGS and self._ended is not None and not self._ended.done():
            self._ended.set_result(event["type"])

    def take_state(self, state: str) -> None:
        """Show that the connection was lost or is back."""
        if self._view is not None:
            self._view.say("connection lost, trying again" if state == "disconnected" else "connected")

    async def ask(self, prompt: str) -> bool:
        """Send a prompt and show its turn to the end; Ctrl-C cancels it. Returns whether it was answered."""
        self._message_id = str(uuid4())
        self._ended = asyncio.get_running_loop().create_future()
        self._view = self._open_view()
        try:
            with self._keyboard.interrupts_go_to(self._cancel):
                await self._api.send_message(self._session["session_id"], self._message_id, prompt)
                return await self._ended == "vibecode_response"
        finally:
            if self._cancelling is not None:
                self._cancelling.cancel()  # the turn has ended, or is left
            self._view.close()
            self._view = None

    def _cancel(self) -> None:
        if self._view is not None:
            self._view.say("cancelling; Ctrl-C again leaves")
        self._cancelling = asyncio.create_task(self._ask_to_cancel())

    async def _ask_to_cancel(self) -> None:
        try:
            await self._api.cancel_message(self._message_id)
        except RefusedError as error:
            self._warn(error.line)
        except ConnectionError as error:
            self._warn(f"no server answers ({error})")

    def _warn(self, reason: str) -> None:
        if self._view is not None:
            self._view.warn(f"not cancelled, the turn goes on: {reason}; Ctrl-C again leaves")


async def run(options: argparse.Namespace) -> bool:
    """Talk as the options say. Returns whether the last prompt was answered."""
    screen, keyboard = Screen(errors=options.json), Keyboard()
    open_view: Callable[[], TurnView] = JsonView if options.json else lambda: TerminalView(screen)
    with keyboard.interrupts():
        async with ApiClient(options.url, options.token) as api:
            project = await choose_project(api, options.project, options.new, screen, keyboard)
            session = await api.start_session(project["project_id"], options.node)
            if session["node_exists"] is False:
                screen.line(f"There is no agent '{session['node_id']}' in the code yet. {_SAY_WHAT_IT_IS}")
            chat = Chat(api, session, keyboard, open_view)
            async with EventClient(options.url, options.token, chat.take, chat.take_state) as events:
                await events.follow(project["project_id"])
                conversation = Conversation(api, project, session, chat.ask, screen, keyboard)
                if options.prompt:
                    return await conversation.answer(" ".join(options.prompt))
                await conversation.hold()
    return True


def main() -> None:
    """Parse the command line, and say in one line what went wrong."""
    parser = argparse.ArgumentParser(prog="chat", description=__doc__)
    parser.add_argument("prompt", nargs="*", help="one prompt; without it you are asked")
    parser.add_argument(
        "--url", default=default_url(os.environ), help="by default what VIBEWIRE_HOST and VIBEWIRE_PORT say"
    )
    parser.add_argument("--token", help="a bearer token, where the server asks for one")
    parser.add_argument("--project", help="a project's id or name; a name like no other creates one")
    parser.add_argument("--new", metavar="NAME", help="create a project of this name, whatever the others are called")
    parser.add_argument("--node", help="talk about this node only")
    parser.add_argument("--json", action="store_true", help="every event as one line of JSON, for scripts")
    options = parser.parse_args()
    outcome = _run_to_exit_code(run(options), options.url)
    sys.exit(visible(outcome) if isinstance(outcome, str) else outcome)


def _run_to_exit_code(work: Coroutine[Any, Any, bool], url: str) -> int | str:
    try:
        return 0 if asyncio.run(work) else 1
    except RefusedError as error:
        return error.line
    except UnknownProjectError as error:
        return str(error)
    except ConnectionError as error:
        return f"No server answers at {url} ({error}). Start Vibewire with `make run`."
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("\n")
        return _INTERRUPTED


if __name__ == "__main__":
    main()
