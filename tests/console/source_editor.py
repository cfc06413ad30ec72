"""The code panel's editor, used as a user does."""

import re
import time

from playwright.sync_api import Locator, expect

from tests.console.browser_page import ConsolePage

_PATIENCE_SECONDS = 15.0
_CHARACTER = 7.8  # of the code's 13 px
# The editor answers a copy event with its text, not with the rendered lines only.
_COPY = """(content) => {
  const event = new ClipboardEvent('copy', {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
  content.dispatchEvent(event);
  return event.clipboardData.getData('text/plain');
}"""


class SourceEditor:
    """The editor of a page's code panel."""

    def __init__(self, visitor: ConsolePage) -> None:
        self._visitor = visitor

    @property
    def field(self) -> Locator:
        """The text field."""
        return self._visitor.code.get_by_role("textbox", name="Source; Tab indents")

    def scroll_to(self, top: int) -> None:
        """Scroll to a distance from the first line."""
        self.field.evaluate("(content, top) => { content.parentElement.scrollTop = top; }", top)

    def press_line(self, number: int, column: int) -> None:
        """Click or tap on a character of a visible line."""
        expect(self.field).to_be_visible()
        box = self.field.bounding_box()
        assert box is not None
        x, y = box["x"] + column * _CHARACTER + 1, box["y"] + 8 + number * 20 + 10
        page = self._visitor.page
        if self._visitor.is_narrow:
            page.touchscreen.tap(x, y)
        else:
            page.mouse.click(x, y)

    def find(self, text: str) -> None:
        """Search for a text, and move the caret to the start of its line."""
        page = self._visitor.page
        self.field.press("Control+f")
        page.get_by_role("textbox", name="Find").press_sequentially(text)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.keyboard.press("Home")

    def text(self) -> str:
        """The text, by select all and copy. Moves the caret to the start; keeps the scroll position."""
        top = self.field.evaluate("(content) => content.parentElement.scrollTop")
        text = copied_text(self.field)
        self.field.press("ArrowLeft")
        self.scroll_to(top)
        return text

    def expect_text(self, expected: str | re.Pattern[str]) -> None:
        """Wait until the text is the expected one, or matches it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _fits(text := self.text(), expected):
            assert time.monotonic() < deadline, f"expected {expected!r}, got {text!r}"
            self._visitor.page.wait_for_timeout(50)


def copied_text(field: Locator) -> str:
    """The text that select all and copy give in an editor, or in the read-only view."""
    field.press("Control+a")
    return str(field.evaluate(_COPY))


def _fits(text: str, expected: str | re.Pattern[str]) -> bool:
    return text == expected if isinstance(expected, str) else bool(expected.search(text))
