"""The lines of a source, as the hunks of a diff search them."""

from collections.abc import Sequence

from backend.app.domain.projects.source import BYTE_ORDER_MARK
from backend.app.programs.vibecoder.line_likeness import closest_line, unlike_characters
from backend.app.programs.vibecoder.line_search import LineSearch
from backend.app.programs.vibecoder.v4a import quote

# The most lines among which the nearest one is searched.
MAX_COMPARED_LINES = 2_000


class SourceLines:
    """Finds context lines and `@@` anchors in a source. White space at the end of a line is ignored."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._search = LineSearch([line.rstrip().removeprefix(BYTE_ORDER_MARK) for line in lines])
        self._stripped = LineSearch([line.strip() for line in lines])

    def __len__(self) -> int:
        return len(self._lines)

    def is_blank(self) -> bool:
        """Whether the source has only empty lines."""
        return not any(line.strip() for line in self._lines)

    def find(self, context: Sequence[str], start: int) -> int | None:
        """The first place of consecutive lines from line `start` on."""
        return self._search.find(context, start)

    def find_anchor(self, anchor: str, start: int) -> int | None:
        """The first line of an anchor from line `start` on. Its indentation may differ: it is not changed."""
        exact = self._search.find([anchor.rstrip()], start)
        return exact if exact is not None else self._stripped.find([anchor.strip()], start)

    def after_anchors(self, anchors: Sequence[str], start: int) -> int | None:
        """The line after all anchors, found in order from line `start` on."""
        for anchor in anchors:
            found = self.find_anchor(anchor, start)
            if found is None:
                return None
            start = found + 1
        return start

    def has_passed(self, anchors: Sequence[str], line: int) -> bool:
        """Whether all anchors are found before a line."""
        after = self.after_anchors(anchors, 0)
        return after is not None and after <= line

    def longest_start(self, context: Sequence[str], start: int) -> int:
        """How many of the context's first lines are found together from line `start` on."""
        low, high = 0, len(context)
        while low + 1 < high:
            middle = (low + high) // 2
            if self.find(context[:middle], start) is None:
                high = middle
            else:
                low = middle
        return low

    def describe(self, index: int) -> str:
        """Quote a line for a message."""
        if index >= len(self._lines):
            return "the file ends there"
        return f"line {index + 1} of the file is {quote(self._lines[index])}"

    def describe_nearest(self, text: str, start: int) -> str:
        """Name the line that the model may have meant, first among the lines from `start` on."""
        if not text.strip():
            return ""
        same = self._stripped.find([text.strip()], start)
        if same is None:
            same = self._stripped.find([text.strip()], 0)
        if same is not None:
            where = f"Line {same + 1} is {quote(self._lines[same])}"
            if text == self._lines[same].rstrip():
                return f"{where}. "
            return f"{where}: the indentation differs. {unlike_characters(text, self._lines[same])}"
        order = [*range(start, len(self._lines)), *range(min(start, len(self._lines)))][:MAX_COMPARED_LINES]
        index_of = {self._lines[index].rstrip(): index for index in reversed(order)}
        near = closest_line(text, index_of)
        if near is None:
            return ""
        return f"The nearest is line {index_of[near] + 1}: {quote(near)}. {unlike_characters(text, near)}"
