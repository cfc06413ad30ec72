"""What the command line shows of a turn: as people read it, or as JSON lines for scripts."""

import sys
import time
from datetime import datetime
from typing import Any, Protocol

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from backend.local.screen import Screen, plain, print_json_line
from backend.local.terminal_text import visible_line

Event = dict[str, Any]

_NAMES = {"vibecoder": "VibeCoder", "evaluator": "Evaluator"}
ENDINGS = frozenset({"vibecode_response", "message_failed", "message_cancelled", "session_deleted"})
# Lines at the bottom of the screen that the streamed text leaves to other things.
_MARGIN_LINES = 4


def retry_words(event: Event) -> str:
    """What is waited for, and until when, by the clock of this machine."""
    at = datetime.fromisoformat(event["retry_at"]).astimezone().strftime("%H:%M:%S")
    whom = "the model's server" if event["code"].startswith("model_") else "what failed"
    return f"waiting for {whom} until {at}: {event['detail'] or event['code']}"


class TurnView(Protocol):
    """Shows one turn from its start to its end."""

    def show(self, event: Event) -> None:
        """Show one event of the turn."""
        ...

    def say(self, words: str) -> None:
        """Say something beside the turn: a lost connection, a cancel that is under way."""
        ...

    def warn(self, words: str) -> None:
        """Say that something went wrong beside the turn."""
        ...

    def close(self) -> None:
        """The turn has ended. Safe to repeat."""
        ...


class JsonView:
    """Every event as one line of JSON."""

    def show(self, event: Event) -> None:
        """See TurnView."""
        print_json_line(event)

    def say(self, words: str) -> None:
        """Nothing: scripts read events."""

    def warn(self, words: str) -> None:
        """See TurnView."""
        sys.stderr.write(f"{visible_line(words)}\n")

    def close(self) -> None:
        """Nothing to close."""


class TerminalView:
    """The turn in colours: text as it streams, iterations, the patch; and a line of progress while it runs."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._begun = time.monotonic()
        self._tokens = 0
        self._doing = "waiting"
        self._text = ""
        self._spinner = Spinner("dots")
        self._live = Live(get_renderable=self._render, console=screen.console, refresh_per_second=10, transient=True)
        self._live.start()

    def show(self, event: Event) -> None:
        """See TurnView."""
        match event["type"]:
            case "message_started":
                self._doing = "VibeCoder is thinking"
                self._clear_text()
                if event["attempt"] > 1:
                    self.say(f"attempt {event['attempt']}: what was streamed before does not count")
            case "text_delta":
                self._text += event["text"]
            case "token_usage":
                self._tokens += event["total_tokens"]
            case "retry_scheduled":
                self.say(retry_words(event))
            case "agent_iteration":
                self._show_iteration(event)
            case "vibecode_response":
                self._show_answer(event)
            case "message_failed" | "message_cancelled":
                self._clear_text()
                self._screen.line(f"{event['code']}: {event['detail'] or ''}", "bold red")
            case "session_deleted":
                self._clear_text()
                self._screen.line("The session was deleted.", "bold red")

    def say(self, words: str) -> None:
        """See TurnView."""
        self._screen.line(f"({words})", "dim")

    def warn(self, words: str) -> None:
        """See TurnView."""
        self.say(words)

    def close(self) -> None:
        """See TurnView."""
        self._live.stop()

    def _clear_text(self) -> None:
        # Redrawn now, or the next line would be printed above the streamed text, which it repeats.
        self._text = ""
        self._live.refresh()

    def _show_iteration(self, event: Event) -> None:
        self._clear_text()
        head = Text.assemble(plain(f"{_NAMES.get(event['agent'], event['agent'])}, iteration {event['iteration']}"))
        head.stylize("bold cyan")
        if event["approved"] is None:
            self._doing = "the Evaluator is reviewing"
        else:
            verdict = ("approved", "green") if event["approved"] else ("rejected", "yellow")
            head.append(f": {verdict[0]}", style=verdict[1])
            self._doing = "VibeCoder is thinking"
        self._screen.render(head)
        if event["content"]:
            self._screen.answer(event["content"])

    def _show_answer(self, event: Event) -> None:
        self._clear_text()
        if event["patch"]:
            self._screen.patch(event["patch"])
        usage = event["token_usage"]["total_tokens"]
        version = f"version {event['version']}" if event["patch"] else "no change"
        seconds = time.monotonic() - self._begun
        self._screen.line(f"{version}, {usage:,} tokens, {seconds:.1f} s", "dim")

    def _render(self) -> Group:
        seconds = time.monotonic() - self._begun
        self._spinner.update(text=plain(f" {self._doing}, {seconds:.0f} s, {self._tokens:,} tokens", "dim"))
        return Group(self._newest_lines(), self._spinner) if self._text else Group(self._spinner)

    def _newest_lines(self) -> Text:
        """As much of the end of the streamed text as the screen has room for."""
        width, height = self._screen.console.size
        room = max(1, height - _MARGIN_LINES)
        lines = plain(self._text[-width * room :]).wrap(self._screen.console, width)
        return Text("\n").join(lines[-room:])
