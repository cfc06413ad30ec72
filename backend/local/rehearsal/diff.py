"""Patches in the V4A format, made so that they land on the right lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.app.domain.projects.line_changes import Region, changed_regions, regions_by_hunk
from backend.app.programs.vibecoder.line_search import LineSearch

_CONTEXTS = (3, 6, 12, 25, 50, 100)

Hunk = tuple[int, int, list[Region]]


def v4a_diff(old: str, new: str) -> str:
    """Write the V4A diff body that turns one text into another.

    A patch is applied by looking for the first place where a hunk's lines occur, so a file with
    repeated lines needs more context than three lines: it grows until every hunk is found where it
    belongs, at worst to the whole file.

    Args:
        old: The text before.
        new: The text after.

    Returns:
        Hunks, each introduced by `@@`; empty when the texts are equal.
    """
    old_lines = old.replace("\r\n", "\n").split("\n")
    new_lines = new.replace("\r\n", "\n").split("\n")
    if old_lines == new_lines:
        return ""
    regions = changed_regions(old_lines, new_lines)
    search = LineSearch(old_lines)
    for context in (*_CONTEXTS, len(old_lines)):
        hunks = list(_hunks(regions, context, len(old_lines)))
        if _all_found(search, old_lines, hunks):
            break
    return "".join(_hunk_text(old_lines, new_lines, hunk) for hunk in hunks)


def _hunks(regions: Sequence[Region], context: int, size: int) -> Iterator[Hunk]:
    """Yield where each hunk begins and ends in the old text, and its regions."""
    for hunk in regions_by_hunk(regions, context):
        yield max(hunk[0][0] - context, 0), min(hunk[-1][1] + context, size), hunk


def _all_found(search: LineSearch, lines: list[str], hunks: list[Hunk]) -> bool:
    cursor = 0
    for start, end, _ in hunks:
        if search.find(lines[start:end], cursor) != start:
            return False
        cursor = end
    return True


def _hunk_text(old: list[str], new: list[str], hunk: Hunk) -> str:
    place, stop, regions = hunk
    written = ["@@"]
    for start, end, new_start, new_end in regions:
        written += [f" {line}" for line in old[place:start]]
        written += [f"-{line}" for line in old[start:end]]
        written += [f"+{line}" for line in new[new_start:new_end]]
        place = end
    return "\n".join([*written, *(f" {line}" for line in old[place:stop])]) + "\n"
