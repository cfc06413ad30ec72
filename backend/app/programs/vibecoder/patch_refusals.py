"""Refuses hunks whose place in the source is missing or ambiguous, with a message that helps the model."""

from collections.abc import Sequence
from typing import NoReturn

from backend.app.programs.vibecoder.source_lines import SourceLines
from backend.app.programs.vibecoder.v4a import Hunk, PatchRefusedError, quote

_COPY = "Copy the lines from the file as they are, with their indentation."


def refuse_ambiguous(hunk: Hunk, place: int, again: int) -> NoReturn:
    """Refuse a hunk that fits at two places."""
    text = (hunk.context or hunk.anchors)[0]
    raise PatchRefusedError(
        f"The place is ambiguous: the hunk at {quote(text)} fits at line {place + 1} and at line "
        f"{again + 1}. Send more lines of context, or an @@ line with the class or def that contains it."
    )


def refuse_order(text: str, place: int) -> NoReturn:
    """Refuse a hunk that belongs before an earlier one."""
    raise PatchRefusedError(
        f"{quote(text)} is at line {place + 1}, and an earlier hunk of the diff goes beyond it. Send the "
        f"hunks in the order of the file, and each line in one hunk only."
    )


def refuse_without_place(hunk: Hunk) -> NoReturn:
    """Refuse a hunk that only adds lines, without any context."""
    raise PatchRefusedError(
        f"The hunk that adds {quote(hunk.lines[0][1])} does not say where. Send the lines around the "
        f"place as context, each with a space before it."
    )


def refuse_late_anchor(hunk: Hunk, place: int) -> NoReturn:
    """Refuse a hunk whose anchor comes after its only place."""
    raise PatchRefusedError(
        f"The lines from {quote(hunk.context[0])} are at line {place + 1}, before "
        f"{quote('@@ ' + hunk.anchors[-1])}. Send a line that precedes them after @@, or none."
    )


def refuse_anchor(source: SourceLines, hunk: Hunk) -> NoReturn:
    """Refuse a hunk with an anchor that is not in the source."""
    start = 0
    missing = hunk.anchors[-1]
    for anchor in hunk.anchors:
        found = source.find_anchor(anchor, start)
        if found is None:
            missing = anchor
            break
        start = found + 1
    raise PatchRefusedError(
        f"No line of the file{_after(start)} is {quote('@@ ' + missing)}. {source.describe_nearest(missing, start)}"
        f"Send the complete line after @@, or leave the @@ line empty."
    )


def refuse_context(source: SourceLines, hunk: Hunk, context: Sequence[str], start: int) -> NoReturn:
    """Refuse a hunk whose context is not found from line `start` on."""
    earlier = source.find(context, 0)
    if earlier is not None:
        refuse_order(hunk.context[0], earlier)
    matched = source.longest_start(context, start)
    place = source.find(context[:matched], start) if matched else None
    line = quote(hunk.context[matched])
    if place is None:
        raise PatchRefusedError(
            f"No line of the file{_after(start)} is {line}. {source.describe_nearest(context[matched], start)}{_COPY}"
        )
    raise PatchRefusedError(
        f"After line {place + matched} the diff has {line}, but {source.describe(place + matched)}. "
        f"{source.describe_nearest(context[matched], place + matched)}{_COPY}"
    )


def _after(index: int) -> str:
    return f" after line {index}" if index else ""
