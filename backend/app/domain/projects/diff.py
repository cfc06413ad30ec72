"""Unified diffs of two versions of a project's source, for `git apply`."""

from collections.abc import Iterator, Sequence

from backend.app.domain.projects.line_changes import Region, changed_regions, regions_by_hunk

# Lines around a change, as git shows them.
CONTEXT_LINES = 3


def unified_diff(old: str, new: str, path: str = "workflow.py") -> str:
    """Return the unified diff of two texts in git's style.

    A line ends only at "\\n", as in git: a form feed, a Unicode separator or the "\\r" of CRLF is part of the line.

    Args:
        old: the text before.
        new: the text after.
        path: the file name in the headers; it is not quoted, so it must be a constant of the caller.

    Parts that would take too long to compare are shown as replaced (see `changed_regions`): coarser, but correct.

    Returns:
        The diff with a line end after each line; empty if the texts are the same.
    """
    if old == new:
        return ""
    before, after = _lines(old), _lines(new)
    diff = [f"diff --git a/{path} b/{path}\n", f"--- a/{path}\n", f"+++ b/{path}\n"]
    for regions in regions_by_hunk(changed_regions(before, after), CONTEXT_LINES):
        diff += _hunk(regions, before, after)
    return "".join(diff)


def _hunk(regions: Sequence[Region], before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    first, _, new_first, _ = regions[0]
    _, last, _, new_last = regions[-1]
    lead = min(CONTEXT_LINES, first)
    stop = min(last + CONTEXT_LINES, len(before))
    yield f"@@ -{_range(first - lead, stop)} +{_range(new_first - lead, new_last + stop - last)} @@\n"
    done = first - lead
    for start, end, new_start, new_end in regions:
        yield from (_line(" ", line) for line in before[done:start])
        yield from (_line("-", line) for line in before[start:end])
        yield from (_line("+", line) for line in after[new_start:new_end])
        done = end
    yield from (_line(" ", line) for line in before[done:stop])


def _range(start: int, stop: int) -> str:
    # An empty range is written with the number of the line before it.
    return f"{start + 1 if stop > start else start},{stop - start}"


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    *lines, rest = text.split("\n")
    return [line + "\n" for line in lines] + ([rest] if rest else [])
