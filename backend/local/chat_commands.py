"""The prompt of `make chat`: what is typed there is a command of its own, or goes to the agents."""

from collections.abc import Awaitable, Callable

from backend.local.api_client import ApiClient, Body, RefusedError
from backend.local.keyboard import Keyboard
from backend.local.screen import Screen

_WELCOME = "Type what you want changed, or a question. /help lists the commands, Ctrl-C cancels a turn or leaves."
_HELP = """\
/code      show the code
/history   show the last messages of this conversation
/help      show this
/quit      leave (also Ctrl-D, and Ctrl-C at the prompt)
Ctrl-C cancels a turn that runs. Everything else is sent; a line that begins with a space may begin with '/' too."""
# How many messages are shown when a conversation is opened, and by /history.
_LAST_MESSAGES = 3
_HISTORY_MESSAGES = 20


class Conversation:
    """Reads what a person types and answers it: commands here, prompts by `ask`."""

    def __init__(
        self,
        api: ApiClient,
        project: Body,
        session: Body,
        ask: Callable[[str], Awaitable[bool]],
        screen: Screen,
        keyboard: Keyboard,
    ) -> None:
        self._api = api
        self._project = project
        self._session = session
        self._ask = ask
        self._screen = screen
        self._keyboard = keyboard

    async def hold(self) -> None:
        """Answer what is typed until the person leaves. Raises ConnectionError."""
        self._screen.line(self._project["name"], "bold")
        await self._show_history(_LAST_MESSAGES)
        self._screen.line(_WELCOME)
        while True:
            self._screen.prompt("\nyou> ")
            typed = await self._keyboard.read_line()
            if typed is None or typed.strip() in ("/quit", "/exit"):
                if typed is None:
                    self._screen.line("")
                return
            if not typed.strip():
                continue
            try:
                await self.answer(typed)
            except RefusedError as error:
                self._screen.line(error.line, "red")

    async def answer(self, typed: str) -> bool:
        """Do a command, or send a prompt. Returns whether it was known and answered. Raises RefusedError."""
        match typed.split():
            case _ if not typed.startswith("/"):
                return await self._ask(typed.strip() or typed)
            case ["/code"]:
                self._screen.code((await self._api.get_project(self._project["project_id"]))["code"])
            case ["/history"]:
                await self._show_history(_HISTORY_MESSAGES)
            case ["/help"]:
                self._screen.line(_HELP)
            case ["/quit" | "/exit"]:
                pass
            case [command, *_]:
                self._screen.line(f"There is no command {command}. /help lists those there are.", "red")
                return False
        return True

    async def _show_history(self, count: int) -> None:
        messages, total = await self._api.list_last_messages(self._session["session_id"], count)
        if total > len(messages):
            self._screen.line(f"({total - len(messages)} earlier messages)", "dim")
        for message in messages:
            self._screen.line(f"you> {message['prompt']}", "dim")
            if message["content"]:
                self._screen.answer(message["content"])
            elif message["error"]:
                self._screen.line(f"{message['error']['code']}: {message['error']['detail']}", "red")
            else:
                self._screen.line(f"({message['status']})", "dim")
