"""Applies the diff that the model wrote to a project's source, or says why not.

The diffs are V4A: the format of the SDK's `agents.apply_diff` and of its apply_patch tool. This module does
not call `apply_diff`, since that one guesses where a refusal helps the model more: it takes lines whose
indentation differs, takes the first of several places, passes over an `@@` line that is nowhere, and puts
lines without context at the top. Where neither is in doubt, the results are the same; a test compares them.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from backend.app.domain.workflow import InvalidSource, parse_source

# Each `@@` costs a few searches through the whole file. No honest diff of one file has so many.
MAX_ANCHORS = 500
# What is quoted to the model, and what difflib compares to find the nearest line: both grow with it.
MAX_QUOTED_CHARS = 120
MAX_COMPARED_LINES = 2_000

_COPY = "Copy the lines from the file as they are, with their indentation."
_END_OF_FILE = "*** End of File"
_END_PATCH = "*** End Patch"
_ENVELOPE_HEAD = ("*** Begin Patch", "*** Update File:")
# What git writes before the hunks. None of them can be a line of a hunk, except the two below.
_GIT_HEAD = ("diff --git ", "index ", "old mode ", "new mode ", "similarity index ")
_GIT_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")


class PatchRefused(ValueError):  # noqa: N818 - named by what was decided
    """The diff was not applied. The message tells the model what was wrong and what to do."""


@dataclass
class _Hunk:
    """One hunk of a diff.

    Attributes:
        anchors: the texts of its `@@` lines.
        lines: sign (" ", "-" or "+") and text.
        at_end: it is marked as the end of the file.
    """

    anchors: list[str] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    at_end: bool = False

    @property
    def context(self) -> list[str]:
        """The lines that must stand in the file."""
        return [text for sign, text in self.lines if sign != "+"]


def apply_patch(code: str, diff: str, max_code_bytes: int) -> str:
    """Return the code after the diff.

    A code fence, the `*** Begin Patch` envelope and git's headers around the diff are left out. Context must
    be the file's own but for white space at the end of a line. Lines that stay keep their bytes; new lines
    get the line end of the file.

    Args:
        code: the source to change.
        diff: a V4A diff of that one file; a unified diff is read as well, without its line numbers.
        max_code_bytes: how large the new code may be in bytes of UTF-8, and half of what the diff may be.

    Raises:
        PatchRefused: nothing else, for any text.
    """
    if _size(diff) > 2 * max_code_bytes:
        raise PatchRefused(f"The diff is longer than {2 * max_code_bytes} bytes. Send a smaller one.")
    file = _File(code)
    for hunk in _parse(diff):
        file.apply(hunk)
    changed = file.text()
    if changed == code:
        raise PatchRefused("The diff changes nothing. Mark lines to remove with - and lines to add with +.")
    if _size(changed) > max_code_bytes:
        raise PatchRefused(f"The code would be longer than {max_code_bytes} bytes. Make it shorter.")
    try:
        parse_source(changed)
    except InvalidSource as error:
        raise PatchRefused(_not_python(changed, error)) from None
    return changed


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _not_python(code: str, error: InvalidSource) -> str:
    lines = re.split(r"\r\n|\r|\n", code)
    there = f" It reads {_quote(lines[error.line - 1])}." if error.line and error.line <= len(lines) else ""
    return f"With this diff the code is not valid Python: {error}.{there} Nothing was changed; mend the diff."


# --- reading the diff ---


def _parse(diff: str) -> list[_Hunk]:
    numbered = _without_wrapping([line.rstrip("\r") for line in diff.split("\n")])
    hunks: list[_Hunk] = []
    anchors = 0
    for number, line in numbered:
        if line.startswith("@@"):
            anchors += 1
            if not hunks or hunks[-1].lines or hunks[-1].at_end:
                hunks.append(_Hunk())
            hunks[-1].anchors += _anchor(line)
        elif not hunks and not line:
            continue
        else:
            if not hunks or hunks[-1].at_end:
                hunks.append(_Hunk())
            _add_line(hunks[-1], number, line)
    if anchors > MAX_ANCHORS:
        raise PatchRefused(f"The diff has more than {MAX_ANCHORS} hunks. Send fewer, larger ones.")
    if not hunks:
        raise PatchRefused("The diff is empty. Send the lines to change with context around them.")
    for hunk in hunks:
        _drop_blank_end(hunk)
    return hunks


def _anchor(line: str) -> list[str]:
    if _GIT_HUNK.match(line):
        return []  # its line numbers are the model's guess, and its heading is only a hint
    text = line[2:].removeprefix(" ").rstrip()
    return [text] if text else []


def _add_line(hunk: _Hunk, number: int, line: str) -> None:
    if line.rstrip() == _END_OF_FILE:
        hunk.at_end = True
    elif line.startswith("\\ No newline"):
        pass  # the file's own end stays as it is
    elif not line:
        hunk.lines.append((" ", ""))
    elif line[0] in " +-":
        hunk.lines.append((line[0], line[1:]))
    elif line.startswith("***"):
        raise PatchRefused(
            f"Line {number} of the diff, {_quote(line)}, is not possible here: "
            f"a diff changes the one file of the project and neither adds, deletes nor moves files."
        )
    else:
        raise PatchRefused(
            f"Line {number} of the diff, {_quote(line)}, has no sign. Begin each line with a space (context), "
            f"- (remove) or + (add), or with @@."
        )


def _drop_blank_end(hunk: _Hunk) -> None:
    """Leave out empty lines after a hunk: models put them between hunks, and as context they say little."""
    while hunk.lines and hunk.lines[-1] == (" ", ""):
        hunk.lines.pop()
    if not hunk.lines:
        raise PatchRefused("A hunk of the diff has no lines. Leave out its @@ line, or send its lines.")


def _without_wrapping(lines: list[str]) -> list[tuple[int, str]]:
    """Return the lines of the hunks, each with its number in the diff."""
    numbered = [(number, line) for number, line in enumerate(lines, start=1)]
    _strip_blank(numbered)
    if numbered and numbered[0][1].startswith("```"):
        del numbered[0]
        if numbered and numbered[-1][1].startswith("```"):
            del numbered[-1]
    _strip_blank(numbered)
    start = _head_length([line for _, line in numbered])
    ends = [index for index, (_, line) in enumerate(numbered) if line.startswith(_END_PATCH)]
    end = ends[0] if ends else len(numbered)
    if any(line.strip() for _, line in numbered[end + 1 :]):
        raise PatchRefused(f"There is something after {_END_PATCH}. Send one patch with all its hunks.")
    return numbered[start:end]


def _strip_blank(numbered: list[tuple[int, str]]) -> None:
    while numbered and not numbered[-1][1]:
        del numbered[-1]
    blank = next((index for index, (_, line) in enumerate(numbered) if line), 0)
    del numbered[:blank]


def _head_length(lines: Sequence[str]) -> int:
    """Return how many lines stand before the first hunk."""
    index = 0
    while index < len(lines):
        line, following = lines[index], lines[index + 1] if index + 1 < len(lines) else ""
        if line.startswith((*_ENVELOPE_HEAD, *_GIT_HEAD)) or not line:
            index += 1
        elif line.startswith("--- ") and following.startswith("+++ "):
            # Alone, either could be a line to remove or to add.
            index += 2
        else:
            break
    return index


# --- applying it ---


class _File:
    """The lines of the code, and what the hunks applied so far make of them."""

    def __init__(self, code: str) -> None:
        *lines, rest = code.split("\n")
        # With their line ends, since a file may mix them. Split at nothing else, as the diff is.
        self._lines = [line + "\n" for line in lines] + ([rest] if rest else [])
        self._newline = "\r\n" if "\r\n" in code else "\n"
        self._search = _Search([line.rstrip() for line in self._lines])
        self._stripped = _Search([line.strip() for line in self._lines])
        self._done: list[str] = []
        self._next = 0  # the first line that no hunk has taken

    def apply(self, hunk: _Hunk) -> None:
        """Apply one hunk after those before it.

        Raises:
            PatchRefused: its place is not in the file, or is in doubt.
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

    def _place(self, hunk: _Hunk) -> int:
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

    def _place_to_insert(self, hunk: _Hunk) -> int:
        """Return the place of a hunk that only adds lines."""
        if not any(line.strip() for line in self._lines):
            return self._next
        if not hunk.anchors:
            raise PatchRefused(
                f"The hunk that adds {_quote(hunk.lines[0][1])} does not say where. Send the lines around the "
                f"place as context, each with a space before it."
            )
        place = self._after_anchors(hunk.anchors, self._next)
        if place is None:
            self._refuse_order(f"@@ {hunk.anchors[-1]}", (self._after_anchors(hunk.anchors, 0) or 1) - 1)
        again = self._after_anchors(hunk.anchors, place)
        if again is not None:
            self._refuse_doubt(hunk, place - 1, again - 1)
        return place

    def _place_near(self, hunk: _Hunk, context: Sequence[str]) -> int:
        """Return the only place of the context where the anchors stand in the hunk, or before earlier hunks.

        Models often name a line of the hunk itself as its anchor, or the class that they are already in.
        """
        place = self._search.find(context, self._next)
        if place is None:
            self._refuse_context(hunk, context)
        if not self._has_passed(hunk.anchors, place + len(context)):
            raise PatchRefused(
                f"The lines from {_quote(hunk.context[0])} stand at line {place + 1}, before "
                f"{_quote('@@ ' + hunk.anchors[-1])}. Send a line that stands before them after @@, or none."
            )
        again = self._search.find(context, place + 1)
        if again is not None:
            self._refuse_doubt(hunk, place, again)
        return place

    # --- refusing ---

    def _refuse_doubt(self, hunk: _Hunk, place: int, again: int) -> NoReturn:
        text = (hunk.context or hunk.anchors)[0]
        raise PatchRefused(
            f"The place is in doubt: the hunk at {_quote(text)} fits at line {place + 1} and at line "
            f"{again + 1}. Send more lines of context, or an @@ line with the class or def it stands in."
        )

    def _refuse_order(self, text: str, place: int) -> NoReturn:
        raise PatchRefused(
            f"{_quote(text)} is at line {place + 1}, and an earlier hunk of the diff goes beyond it. Send the "
            f"hunks in the order of the file, and each line in one hunk only."
        )

    def _refuse_anchor(self, hunk: _Hunk) -> NoReturn:
        start = 0
        missing = hunk.anchors[-1]
        for anchor in hunk.anchors:
            found = self._find_anchor(anchor, start)
            if found is None:
                missing = anchor
                break
            start = found + 1
        raise PatchRefused(
            f"No line of the file{_after(start)} is {_quote('@@ ' + missing)}. {self._nearest(missing, start)}"
            f"Send the whole line after @@, or leave the @@ line empty."
        )

    def _refuse_context(self, hunk: _Hunk, context: Sequence[str]) -> NoReturn:
        earlier = self._search.find(context, 0)
        if earlier is not None:
            self._refuse_order(hunk.context[0], earlier)
        matched = self._longest_start(context)
        place = self._search.find(context[:matched], self._next) if matched else None
        line = _quote(hunk.context[matched])
        if place is None:
            raise PatchRefused(
                f"No line of the file{_after(self._next)} is {line}. "
                f"{self._nearest(context[matched], self._next)}{_COPY}"
            )
        raise PatchRefused(
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
        return f"line {index + 1} of the file is {_quote(self._lines[index])}"

    def _nearest(self, text: str, start: int) -> str:
        """Say which line the model may have meant, first among the lines from `start` on."""
        if not text.strip():
            return ""
        same = self._stripped.find([text.strip()], start)
        if same is None:
            same = self._stripped.find([text.strip()], 0)
        if same is not None:
            where = f"Line {same + 1} is {_quote(self._lines[same])}"
            return f"{where}: the indentation differs. " if text != self._lines[same].rstrip() else f"{where}. "
        order = [*range(start, len(self._lines)), *range(min(start, len(self._lines)))][:MAX_COMPARED_LINES]
        shortened = {self._lines[index].rstrip()[:MAX_QUOTED_CHARS]: index for index in reversed(order)}
        near = difflib.get_close_matches(text[:MAX_QUOTED_CHARS], shortened, n=1)
        return f"The nearest is line {shortened[near[0]] + 1}: {_quote(near[0])}. " if near else ""


class _Search:
    """Finds lines that follow each other, in one pass through the text however often they almost fit."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._text = "\n" + "".join(f"{line}\n" for line in lines)
        self._offsets = [0]
        for line in lines:
            self._offsets.append(self._offsets[-1] + len(line) + 1)
        self._index_of = {offset: index for index, offset in enumerate(self._offsets)}

    def find(self, lines: Sequence[str], start: int) -> int | None:
        """Return the index of the first of the lines, from line `start` on, or None."""
        if not lines:
            return start
        if start >= len(self._offsets):
            return None
        offset = self._text.find("\n" + "".join(f"{line}\n" for line in lines), self._offsets[start])
        return None if offset < 0 else self._index_of[offset]


def _after(index: int) -> str:
    return f" after line {index}" if index else ""


def _quote(text: str) -> str:
    """Return the text for a message: short, on one line, and writable as UTF-8."""
    text = text.rstrip()
    if not text:
        return "an empty line"
    short = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"
    return "`" + "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in short) + "`"
