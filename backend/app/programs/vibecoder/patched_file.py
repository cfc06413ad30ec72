"""Applies hunks to a source: finds the place of each, or refuses it with a reason."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NoReturn

from backend.app.domain.projects.source import BYTE_ORDER_MARK
from backend.app.programs.vibecoder.line_likeness import closest_line, unlike_characters
from backend.app.programs.vibecoder.line_search import LineSearch
from backend.app.programs.vibecoder.v4a import LINE_END, Hunk, PatchRefusedError, quote

# The most lines among which the nearest one is searched.
MAX_COMPARED_LINES = 2_000

_COPY = "Copy the lines from the file as they are, with their indentation."


class PatchedFile:
    """The lines of the code, and the result of the hunks applied so far."""

    def __init__(self, code: str) -> None:
        # Kept apart from the first line, which may be moved or removed.
        self._mark = BYTE_ORDER_MARK if code.startswith(BYTE_ORDER_MARK) else ""
        self._lines, self._ends = _lines_and_ends(code.removeprefix(self._mark))
        counts = Counter(end for end in self._ends if end)
        self._newline = counts.most_common(1)[0][0] if counts else "\n"
        self._search = LineSearch([line.rstrip().removeprefix(BYTE_ORDER_MARK) for line in self._lines])
        self._stripped = LineSearch([line.strip() for line in self._lines])
        self._done: list[tuple[str, str]] = []
        self._next = 0  # the first line that no hunk has taken

    def apply(self, hunk: Hunk) -> None:
        """Apply one hunk after those before it.

        Raises:
            PatchRefusedError: its place is not found in the file, or is ambiguous.
        """
        place = self._place(hunk)
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

    def _place(self, hunk: Hunk) -> int:
        """Return the index of the first line of the hunk."""
        if self._after_anchors(hunk.anchors, 0) is None:
            self._refuse_anchor(hunk)
        context = [text.rstrip() for text in hunk.context]
        if hunk.at_end:
            last = max(len(self._lines) - len(context), self._next)
            if self._search.find(context, last) == last:
                return last
        if not context:
            return self._place_to_insert(hunk)
        place = self._first_place(hunk.anchors, context, self._next)
        if place is None:
            return self._place_near(hunk, context)
        again = self._first_place(hunk.anchors, context, place + 1)
        if again is not None:
            self._refuse_ambiguous(hunk, place, again)
        sooner = self._search.find(context, self._next)
        if sooner is not None and sooner < place and self._has_passed(hunk.anchors, sooner):
            self._refuse_ambiguous(hunk, sooner, place)
        return place

    def _first_place(self, anchors: Sequence[str], context: Sequence[str], start: int) -> int | None:
        """Return the first place of the context after the anchors, both from `start` on."""
        after = self._after_anchors(anchors, start)
        return None if after is None else self._search.find(context, after)

    def _after_anchors(self, anchors: Sequence[str], start: int) -> int | None:
        for anchor in anchors:
            found = self._find_anchor(anchor, start)
            if found is None:
                return None
            start = found + 1
        return start

    def _has_passed(self, anchors: Sequence[str], line: int) -> bool:
        after = self._after_anchors(anchors, 0)
        return after is not None and after <= line

    def _find_anchor(self, anchor: str, start: int) -> int | None:
        # An anchor is not changed, so its indentation cannot come out wrong.
        exact = self._search.find([anchor.rstrip()], start)
        return exact if exact is not None else self._stripped.find([anchor.strip()], start)

    def _place_to_insert(self, hunk: Hunk) -> int:
        """Return the place of a hunk that only adds lines."""
        if not any(line.strip() for line in self._lines):
            return self._next
        if not hunk.anchors:
            raise PatchRefusedError(
                f"The hunk that adds {quote(hunk.lines[0][1])} does not say where. Send the lines around the "
                f"place as context, each with a space before it."
            )
        first = self._after_anchors(hunk.anchors, 0) or 0
        place = self._after_anchors(hunk.anchors, self._next)
        if place is None:
            self._refuse_order(f"@@ {hunk.anchors[-1]}", first - 1)
        if first < place:
            self._refuse_ambiguous(hunk, first - 1, place - 1)
        again = self._after_anchors(hunk.anchors, place)
        if again is not None:
            self._refuse_ambiguous(hunk, place - 1, again - 1)
        return place

    def _place_near(self, hunk: Hunk, context: Sequence[str]) -> int:
        """Return the only place of the context, where the anchors are in the hunk itself or before earlier hunks.

        Models often use a line of the hunk as its anchor, or the class that the hunk before was in.
        """
        place = self._search.find(context, self._next)
        if place is None:
            self._refuse_context(hunk, context)
        if not self._has_passed(hunk.anchors, place + len(context)):
            raise PatchRefusedError(
                f"The lines from {quote(hunk.context[0])} stand at line {place + 1}, before "
                f"{quote('@@ ' + hunk.anchors[-1])}. Send a line that stands before them after @@, or none."
            )
        again = self._search.find(context, place + 1)
        if again is not None:
            self._refuse_ambiguous(hunk, place, again)
        return place

    def _refuse_ambiguous(self, hunk: Hunk, place: int, again: int) -> NoReturn:
        text = (hunk.context or hunk.anchors)[0]
        raise PatchRefusedError(
            f"The place is in doubt: the hunk at {quote(text)} fits at line {place + 1} and at line "
            f"{again + 1}. Send more lines of context, or an @@ line with the class or def it stands in."
        )

    def _refuse_order(self, text: str, place: int) -> NoReturn:
        raise PatchRefusedError(
            f"{quote(text)} is at line {place + 1}, and an earlier hunk of the diff goes beyond it. Send the "
            f"hunks in the order of the file, and each line in one hunk only."
        )

    def _refuse_anchor(self, hunk: Hunk) -> NoReturn:
        start = 0
        missing = hunk.anchors[-1]
        for anchor in hunk.anchors:
            found = self._find_anchor(anchor, start)
            if found is None:
                missing = anchor
                break
            start = found + 1
        raise PatchRefusedError(
            f"No line of the file{_after(start)} is {quote('@@ ' + missing)}. {self._nearest(missing, start)}"
            f"Send the complete line after @@, or leave the @@ line empty."
        )

    def _refuse_context(self, hunk: Hunk, context: Sequence[str]) -> NoReturn:
        earlier = self._search.find(context, 0)
        if earlier is not None:
            self._refuse_order(hunk.context[0], earlier)
        matched = self._longest_start(context)
        place = self._search.find(context[:matched], self._next) if matched else None
        line = quote(hunk.context[matched])
        if place is None:
            raise PatchRefusedError(
                f"No line of the file{_after(self._next)} is {line}. "
                f"{self._nearest(context[matched], self._next)}{_COPY}"
            )
        raise PatchRefusedError(
            f"After line {place + matched} the diff has {line}, but {self._line_there(place + matched)}. "
            f"{self._nearest(context[matched], place + matched)}{_COPY}"
        )

    def _longest_start(self, context: Sequence[str]) -> int:
        """Return how many of the context's first lines are found together in the rest of the file."""
        low, high = 0, len(context)
        while low + 1 < high:
            middle = (low + high) // 2
            if self._search.find(context[:middle], self._next) is None:
                high = middle
            else:
                low = middle
        return low

    def _line_there(self, index: int) -> str:
        if index >= len(self._lines):
            return "the file ends there"
        return f"line {index + 1} of the file is {quote(self._lines[index])}"

    def _nearest(self, text: str, start: int) -> str:
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


def _lines_and_ends(text: str) -> tuple[list[str], list[str]]:
    """Return the lines without their ends, and the ends; the last one may be empty.

    A form feed or a Unicode separator does not end a line, as in a diff.
    """
    ends = LINE_END.findall(text)
    *lines, rest = LINE_END.split(text)
    return ([*lines, rest], [*ends, ""]) if rest else (lines, ends)


def _after(index: int) -> str:
    return f" after line {index}" if index else ""
