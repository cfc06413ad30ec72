"""The code panel's editor, as a person uses it."""

import re
import time

from playwright.sync_api import Locator, expect

from tests.console.browser_page import ConsolePage

_PATIENCE_SECONDS = 15.0
_CHARACTER = 7.8  # of the code's 13 px
# What copying gives: the editor answers with its text, not with the lines that are laid out.
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
        """Click or tap on a character of a line that is in sight."""
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
        """Search for a text, and put the caret at the begin of its line."""
        page = self._visitor.page
        self.field.press("Control+f")
        page.get_by_role("textbox", name="Find").press_sequentially(text)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.keyboard.press("Home")

    def text(self) -> str:
        """The text, as select all and copy give it. The caret is at its begin then, and the scroller where it was."""
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
    """What select all and copy give in an editor, or in source to read."""
    field.press("Control+a")
    return str(field.evaluate(_COPY))


def _fits(text: str, expected: str | re.Pattern[str]) -> bool:
    return text == expected if isinstance(expected, str) else bool(expected.search(text))
