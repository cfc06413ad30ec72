"""A source and the hunks that are applied to it: finds the place of each, or says why there is none."""

import difflib
from collections.abc import Sequence
from typing import NoReturn

from backend.app.vibecoder.line_search import LineSearch
from backend.app.vibecoder.v4a import MAX_QUOTED_CHARS, Hunk, PatchRefusedError, quote

# What difflib compares to find the nearest line.
MAX_COMPARED_LINES = 2_000

_COPY = "Copy the lines from the file as they are, with their indentation."


class PatchedFile:
    """The lines of the code, and what the hunks applied so far make of them."""

    def __init__(self, code: str) -> None:
        *lines, rest = code.split("\n")
        # With their line ends, since a file may mix them. Split at nothing else, as the diff is.
        self._lines = [line + "\n" for line in lines] + ([rest] if rest else [])
        self._newline = "\r\n" if "\r\n" in code else "\n"
        self._search = LineSearch([line.rstrip() for line in self._lines])
        self._stripped = LineSearch([line.strip() for line in self._lines])
        self._done: list[str] = []
        self._next = 0  # the first line that no hunk has taken

    def apply(self, hunk: Hunk) -> None:
        """Apply one hunk after those before it.

        Raises:
            PatchRefusedError: its place is not in the file, or is in doubt.
        """
        place = self._place(hunk)
        self._done += self._lines[self._next : place]
        for sign, text in hunk.lines:
            if sign == "+":
                self._done.append(text + self._newline)
                continue
            if sign == " ":
                self._done.append(self._lines[place])
            place += 1
        self._next = place

    def text(self) -> str:
        """Return the whole text after the hunks. Only its last line may be without a line end, as before."""
        lines = self._done + self._lines[self._next :]
        closed = [line if line.endswith("\n") else line + self._newline for line in lines[:-1]]
        return "".join(closed + lines[-1:])

    def _place(self, hunk: Hunk) -> int:
        """Return the index of the line the hunk begins at."""
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
            self._refuse_doubt(hunk, place, again)
        sooner = self._search.find(context, self._next)
        if sooner is not None and sooner < place and self._has_passed(hunk.anchors, sooner):
            self._refuse_doubt(hunk, sooner, place)
        return place

    def _first_place(self, anchors: Sequence[str], context: Sequence[str], start: int) -> int | None:
        """Return the first place of the context after the anchors; both are sought from `start` on."""
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
            self._refuse_doubt(hunk, first - 1, place - 1)
        again = self._after_anchors(hunk.anchors, place)
        if again is not None:
            self._refuse_doubt(hunk, place - 1, again - 1)
        return place

    def _place_near(self, hunk: Hunk, context: Sequence[str]) -> int:
        """Return the only place of the context where the anchors stand in the hunk, or before earlier hunks.

        Models often name a line of the hunk itself as its anchor, or the class that they are already in.
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
            self._refuse_doubt(hunk, place, again)
        return place

    def _refuse_doubt(self, hunk: Hunk, place: int, again: int) -> NoReturn:
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
            f"Send the whole line after @@, or leave the @@ line empty."
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
        """Return how many of the first lines of the context stand together in the rest of the file."""
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
        """Say which line the model may have meant, first among the lines from `start` on."""
        if not text.strip():
            return ""
        same = self._stripped.find([text.strip()], start)
        if same is None:
            same = self._stripped.find([text.strip()], 0)
        if same is not None:
            where = f"Line {same + 1} is {quote(self._lines[same])}"
            return f"{where}: the indentation differs. " if text != self._lines[same].rstrip() else f"{where}. "
        order = [*range(start, len(self._lines)), *range(min(start, len(self._lines)))][:MAX_COMPARED_LINES]
        shortened = {self._lines[index].rstrip()[:MAX_QUOTED_CHARS]: index for index in reversed(order)}
        near = difflib.get_close_matches(text[:MAX_QUOTED_CHARS], shortened, n=1)
        return f"The nearest is line {shortened[near[0]] + 1}: {quote(near[0])}. " if near else ""


def _after(index: int) -> str:
    return f" after line {index}" if index else ""
