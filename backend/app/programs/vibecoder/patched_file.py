"""Applies hunks to a source: finds the place of each, or refuses it with a reason."""

from collections import Counter
from itertools import chain

from backend.app.domain.projects.source import BYTE_ORDER_MARK
from backend.app.programs.vibecoder.hunk_place import find_place
from backend.app.programs.vibecoder.source_lines import SourceLines
from backend.app.programs.vibecoder.v4a import LINE_END, Hunk


class PatchedFile:
    """The lines of the code, and the result of the hunks applied so far."""

    def __init__(self, code: str) -> None:
        # Kept apart from the first line, which may be moved or removed.
        self._mark = BYTE_ORDER_MARK if code.startswith(BYTE_ORDER_MARK) else ""
        self._lines, self._ends = _lines_and_ends(code.removeprefix(self._mark))
        counts = Counter(end for end in self._ends if end)
        self._newline = counts.most_common(1)[0][0] if counts else "\n"
        self._source = SourceLines(self._lines)
        self._done: list[tuple[str, str]] = []
        self._next = 0  # the first line that no hunk has taken

    def apply(self, hunk: Hunk) -> None:
        """Apply one hunk after those before it.

        Raises:
            PatchRefusedError: its place is not found in the file, or is ambiguous.
        """
        place = find_place(self._source, hunk, self._next)
        self._keep_until(place)
        removed = False
        for sign, text in hunk.lines:
            if sign == "+":
                self._done.append((text, self._end_of_new_line(replaces=removed)))
                continue
            removed = sign == "-"
            if removed:
                self._next += 1
            else:
                self._keep_until(self._next + 1)

    def text(self) -> str:
        """Return the text after all hunks. Only its last line may have no line end, as before."""
        self._keep_until(len(self._lines))
        closed = [(line, end or self._newline) for line, end in self._done[:-1]]
        text = "".join(chain.from_iterable(closed + self._done[-1:]))
        return self._mark + text.removeprefix(BYTE_ORDER_MARK)

    def _keep_until(self, stop: int) -> None:
        self._done += zip(self._lines[self._next : stop], self._ends[self._next : stop], strict=True)
        self._next = max(self._next, stop)

    def _end_of_new_line(self, *, replaces: bool) -> str:
        """Return the line end of a new line: that of the line it replaces, or of both lines around it.

        Where those differ, or there are none, it is the line end that most lines of the file have.
        """
        around = self._ends[max(self._next - 1, 0) : self._next + (0 if replaces else 1)]
        ends = {end for end in around if end}
        return ends.pop() if len(ends) == 1 else self._newline


def _lines_and_ends(text: str) -> tuple[list[str], list[str]]:
    """Return the lines without their ends, and the ends; the last one may be empty.

    A form feed or a Unicode separator does not end a line, as in a diff.
    """
    ends = LINE_END.findall(text)
    *lines, rest = LINE_END.split(text)
    return ([*lines, rest], [*ends, ""]) if rest else (lines, ends)
