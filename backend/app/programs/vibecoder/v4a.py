"""Parses V4A diffs: the format of the SDK's `agents.apply_diff` and of its apply_patch tool."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.app.domain.projects.source import BYTE_ORDER_MARK

# Each `@@` costs a few searches through the file. No real diff of one file has so many.
MAX_ANCHORS = 500
# The length of quotes in messages to the model.
MAX_QUOTED_CHARS = 120

# Including the lone carriage return, which Python accepts, and the result of converting line ends twice.
LINE_END = re.compile(r"\r{0,2}\n|\r")

_END_OF_FILE = "*** End of File"
_END_PATCH = "*** End Patch"
_ENVELOPE_HEAD = ("*** Begin Patch", "*** Update File:")
# Git's lines before the hunks. None of them can be a line of a hunk, except --- and +++.
_GIT_HEAD = ("diff --git ", "index ", "old mode ", "new mode ", "similarity index ")
_GIT_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")


class PatchRefusedError(ValueError):
    """The diff was not applied. The message, for the model, says what was wrong and what to do."""


@dataclass
class Hunk:
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
        """The lines that must be in the file, without a byte-order mark that was copied with the first."""
        return [text.removeprefix(BYTE_ORDER_MARK) for sign, text in self.lines if sign != "+"]


def quote(text: str) -> str:
    """Quote a text for a message: short, on one line, and encodable as UTF-8."""
    text = text.rstrip()
    if not text:
        return "an empty line"
    short = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"
    return "`" + "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in short) + "`"


def parse_diff(diff: str) -> list[Hunk]:
    """The hunks of a diff, at least one. Raises PatchRefusedError for anything but a diff of one file."""
    numbered = _without_wrapping([line.removeprefix(BYTE_ORDER_MARK) for line in LINE_END.split(diff)])
    hunks: list[Hunk] = []
    anchors = 0
    for number, line in numbered:
        if line.startswith("@@"):
            anchors += 1
            if not hunks or hunks[-1].lines or hunks[-1].at_end:
                hunks.append(Hunk())
            hunks[-1].anchors += _anchor(line)
        elif not hunks and not line:
            continue
        else:
            if not hunks or hunks[-1].at_end:
                hunks.append(Hunk())
            _add_line(hunks[-1], number, line)
    if anchors > MAX_ANCHORS:
        raise PatchRefusedError(f"The diff has more than {MAX_ANCHORS} hunks. Send fewer, larger ones.")
    if not hunks:
        raise PatchRefusedError("The diff is empty. Send the lines to change with context around them.")
    for hunk in hunks:
        _drop_blank_end(hunk)
    return hunks


def _anchor(line: str) -> list[str]:
    if _GIT_HUNK.match(line):
        return []  # its line numbers are guesses of the model, and its heading is only a hint
    text = line[2:].removeprefix(" ").rstrip()
    return [text] if text else []


def _add_line(hunk: Hunk, number: int, line: str) -> None:
    if line.rstrip() == _END_OF_FILE:
        hunk.at_end = True
    elif line.startswith("\\ No newline"):
        pass  # the file's own end is kept
    elif not line:
        hunk.lines.append(("", ""))
    elif line[0] in " +-":
        hunk.lines.append((line[0], line[1:]))
    elif line.startswith("***"):
        raise PatchRefusedError(
            f"Line {number} of the diff, {quote(line)}, is not possible here: "
            f"a diff changes the one file of the project and neither adds, deletes nor moves files."
        )
    else:
        raise PatchRefusedError(
            f"Line {number} of the diff, {quote(line)}, has no sign. Begin each line with a space (context), "
            f"- (remove) or + (add), or with @@."
        )


def _drop_blank_end(hunk: Hunk) -> None:
    """Drop empty lines at the end of a hunk, where models add them; elsewhere they are context."""
    while hunk.lines and hunk.lines[-1] == ("", ""):
        hunk.lines.pop()
    hunk.lines = [(sign or " ", text) for sign, text in hunk.lines]
    if not hunk.lines:
        raise PatchRefusedError("A hunk of the diff has no lines. Leave out its @@ line, or send its lines.")


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
        raise PatchRefusedError(f"There is something after {_END_PATCH}. Send one patch with all its hunks.")
    return numbered[start:end]


def _strip_blank(numbered: list[tuple[int, str]]) -> None:
    while numbered and not numbered[-1][1]:
        del numbered[-1]
    blank = next((index for index, (_, line) in enumerate(numbered) if line), 0)
    del numbered[:blank]


def _head_length(lines: Sequence[str]) -> int:
    """Return the number of lines before the first hunk."""
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
