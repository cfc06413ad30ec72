"""Diffs in the V4A format, made so that they land on the right lines."""

from collections.abc import Sequence

from backend.app.domain.projects.line_changes import Region, changed_regions, regions_by_hunk
from backend.app.programs.vibecoder.line_search import LineSearch

_CONTEXTS = (3, 12, 50)


def v4a_diff(old: str, new: str) -> str:
    """The diff that turns a text into another one.

    A hunk is applied where its lines occur first: its context grows until this is where it belongs.
    """
    before, after = (text.replace("\r\n", "\n").split("\n") for text in (old, new))
    search, regions = LineSearch(before), changed_regions(before, after)
    for context in (*_CONTEXTS, len(before)):
        hunks = list(regions_by_hunk(regions, context))
        bounds = [(max(hunk[0][0] - context, 0), min(hunk[-1][1] + context, len(before))) for hunk in hunks]
        ends = [0, *(end for _, end in bounds)]
        if all(search.find(before[start:end], ends[at]) == start for at, (start, end) in enumerate(bounds)):
            break
    return "".join(_hunk_text(before, after, hunk, *bound) for hunk, bound in zip(hunks, bounds, strict=True))


def _hunk_text(before: Sequence[str], after: Sequence[str], hunk: Sequence[Region], start: int, end: int) -> str:
    lines = ["@@"]
    for old_start, old_end, new_start, new_end in hunk:
        lines += [f" {line}" for line in before[start:old_start]]
        lines += [f"-{line}" for line in before[old_start:old_end]]
        lines += [f"+{line}" for line in after[new_start:new_end]]
        start = old_end
    return "\n".join([*lines, *(f" {line}" for line in before[start:end])]) + "\n"
