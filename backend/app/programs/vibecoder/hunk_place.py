"""Finds the place of a hunk in a source."""

from collections.abc import Sequence

from backend.app.programs.vibecoder.patch_refusals import (
    refuse_ambiguous,
    refuse_anchor,
    refuse_context,
    refuse_late_anchor,
    refuse_order,
    refuse_without_place,
)
from backend.app.programs.vibecoder.source_lines import SourceLines
from backend.app.programs.vibecoder.v4a import Hunk


def find_place(source: SourceLines, hunk: Hunk, start: int) -> int:
    """Return the index of the first line of the hunk, from line `start` on.

    Raises:
        PatchRefusedError: its place is not found, or is ambiguous.
    """
    if source.after_anchors(hunk.anchors, 0) is None:
        refuse_anchor(source, hunk)
    context = [text.rstrip() for text in hunk.context]
    if hunk.at_end:
        last = max(len(source) - len(context), start)
        if source.find(context, last) == last:
            return last
    if not context:
        return _place_to_insert(source, hunk, start)
    place = _first_place(source, hunk.anchors, context, start)
    if place is None:
        return _place_near(source, hunk, context, start)
    _require_unambiguous(hunk, place, _first_place(source, hunk.anchors, context, place + 1))
    earlier = source.find(context, start)
    if earlier is not None and earlier < place and source.has_passed(hunk.anchors, earlier):
        refuse_ambiguous(hunk, earlier, place)
    return place


def _first_place(source: SourceLines, anchors: Sequence[str], context: Sequence[str], start: int) -> int | None:
    """The first place of the context after the anchors, both from `start` on."""
    after = source.after_anchors(anchors, start)
    return None if after is None else source.find(context, after)


def _place_to_insert(source: SourceLines, hunk: Hunk, start: int) -> int:
    """The place of a hunk that only adds lines."""
    if source.is_blank():
        return start
    if not hunk.anchors:
        refuse_without_place(hunk)
    first = source.after_anchors(hunk.anchors, 0) or 0
    place = source.after_anchors(hunk.anchors, start)
    if place is None:
        refuse_order(f"@@ {hunk.anchors[-1]}", first - 1)
    if first < place:
        refuse_ambiguous(hunk, first - 1, place - 1)
    again = source.after_anchors(hunk.anchors, place)
    _require_unambiguous(hunk, place - 1, None if again is None else again - 1)
    return place


def _place_near(source: SourceLines, hunk: Hunk, context: Sequence[str], start: int) -> int:
    """The only place of the context, where the anchors are in the hunk itself or before earlier hunks.

    Models often use a line of the hunk as its anchor, or the class that the hunk before was in.
    """
    place = source.find(context, start)
    if place is None:
        refuse_context(source, hunk, context, start)
    if not source.has_passed(hunk.anchors, place + len(context)):
        refuse_late_anchor(hunk, place)
    _require_unambiguous(hunk, place, source.find(context, place + 1))
    return place


def _require_unambiguous(hunk: Hunk, place: int, again: int | None) -> None:
    if again is not None:
        refuse_ambiguous(hunk, place, again)
