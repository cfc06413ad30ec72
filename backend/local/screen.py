"""The one way of the command line to the terminal: all that is printed passes through here, and steers nothing."""

import json
import sys
from typing import Any, cast

from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text
from rich.theme import Theme

from backend.local.terminal_text import visible, visible_json, visible_line

# The terminal's own palette, without white, black and yellow: readable on a light and on a dark background.
_CODE_COLOURS = {
    ("Comment",): Style(dim=True, italic=True),
    ("Keyword",): Style(color="magenta", bold=True),
    ("Literal", "String"): Style(color="green"),
    ("Literal", "Number"): Style(color="cyan"),
    ("Name", "Class"): Style(bold=True),
    ("Name", "Function"): Style(bold=True),
}
_PATCH_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_THEME = Theme({"markdown.code": "cyan", "markdown.code_block": "cyan", "markdown.block_quote": "italic"})


class Screen:
    """Prints to a terminal or a file. Text of models, people and servers is made visible first."""

    def __init__(self, *, errors: bool = False) -> None:
        self.console = Console(stderr=errors, highlight=False, theme=_THEME)

    def line(self, text: str, style: str = "") -> None:
        """Print text, on as many lines as it has."""
        self.console.print(plain(text, style), soft_wrap=True)

    def cropped_line(self, *parts: tuple[str, str]) -> None:
        """Print texts with their styles on one line, which ends at the edge of a terminal; a file gets all of it."""
        line = Text.assemble(*((visible_line(text), style) for text, style in parts))
        if self.console.is_terminal:
            line.truncate(self.console.width, overflow="ellipsis")
        self.console.print(line, soft_wrap=True)

    def answer(self, text: str) -> None:
        """Print what an agent wrote, which may be Markdown."""
        theme = cast(str, _code_theme())  # handed on to Syntax, which takes both
        self.console.print(Markdown(visible(text), code_theme=theme, hyperlinks=False))

    def patch(self, patch: str) -> None:
        """Print a unified diff."""
        for line in visible(patch).splitlines():
            is_head = line.startswith(("+++", "---", "diff "))
            self.console.print(
                Text(line, style="bold" if is_head else _PATCH_COLOURS.get(line[:1], "")), soft_wrap=True
            )

    def code(self, code: str) -> None:
        """Print Python with its line numbers."""
        theme = _code_theme()
        self.console.print(Syntax(visible(code), "python", theme=theme, line_numbers=True, word_wrap=True))

    def prompt(self, text: str) -> None:
        """Print what a person is to answer to on the same line."""
        self.console.print(plain(text), end="")

    def render(self, shown: RenderableType) -> None:
        """Print what is made of `plain` texts already."""
        self.console.print(shown)


def plain(text: str, style: str = "") -> Text:
    """Text for what is drawn anew again and again."""
    return Text(visible(text), style=style)


def print_json_line(event: dict[str, Any]) -> None:
    """Print an object as one line of JSON, for scripts."""
    sys.stdout.write(f"{visible_json(json.dumps(event, ensure_ascii=False))}\n")
    sys.stdout.flush()


def _code_theme() -> ANSISyntaxTheme:
    from pygments.token import string_to_tokentype  # rich loads it as late

    colours = {string_to_tokentype(".".join(name)): style for name, style in _CODE_COLOURS.items()}
    return ANSISyntaxTheme(colours)
